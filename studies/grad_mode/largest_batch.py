"""How much larger a batch fits into the same memory without gradients?

A forward pass through 16 layers of 512 is tried with larger and larger batches in a process that
may take only so much memory beyond the network itself, until it fails; then the interval is halved
until it is known to 10 %. ``memory_limit`` says what exactly is limited. Every arm has a process of
its own, for a failure may leave something behind.

The claim is about a card, and is judged on a GPU; what a limit on a process's memory gives on the
CPU is its counterpart.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    between,
)
from studies.grad_mode.memory_limit import BUDGETS, DEPTH, WIDTH, largest_batch
from studies.grad_mode.modes import GRAD

LARGER = 1.2

CLAIMS = (
    Claim(
        "A-nograd-5",
        Ratio("rows", GRAD).at(grad="no_grad").against("enabled").always(),
        at_least(LARGER),
        reading="Large batches run out of a card's memory without no_grad that fit with it: under "
        "one limit, the largest batch that fits is at least 1.2 times as large with it.",
        needs="cuda",
        headline=True,
    ),
    Control(
        "the limit is what the activations fill",
        Value("share").always(),
        between(0.5, 1.1),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """The largest batch of the arm, and the share of the limit that its activations take."""
    rows = largest_batch(arm[GRAD], block.device)
    # At the peak: the input, and a layer's input and output; or the input, the output of every ReLU
    # and that of the last layer.
    alive = 3 if arm[GRAD] == "no_grad" else DEPTH + 1
    share = rows * WIDTH * 4 * alive / BUDGETS[block.device]
    return {"rows": float(rows), "share": share}


EXPERIMENT = Experiment(
    question="How much larger a batch fits into the same memory without gradients?",
    factors=(GRAD,),
    only=lambda arm: arm[GRAD] != "inference_mode",
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("rows", "rows", "the largest batch that fits"),
        Response("share", "1", "the share of the limit that the activations of that batch fill"),
    ),
    claims=CLAIMS,
    fresh_process=True,
)
