"""Does a GPU run out of memory when outputs are kept with their graphs, and where it should?

The loop of ``kept_outputs`` keeps the outputs of a wide perceptron, as they come, until the memory
of the GPU is used up. All that is free on the card may be taken. The growth of the first steps says
at which step that must be: each step of an evaluation without ``no_grad`` leaves its graph and its
outputs, a quarter of a gigabyte; each step of a training its outputs alone, a quarter of that,
since the backward pass frees the rest. It holds if the memory ends, and within 20 % of that step.

A loop that keeps losses as numbers, for 2,048 steps, is the control.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import tower
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    KEPT_FIRST,
    LOSSES,
    NO_BACKWARD,
    NUMBERS,
    OUTPUTS,
    Keeper,
    loop,
)

if TYPE_CHECKING:
    from torch import Tensor

ROWS, WIDTH, LAYERS = 8192, 2048, 4
#: More steps than a card of 256 GiB has room for in the training; numbers need no room.
STEPS, CONTROL_STEPS = 4096, 2048
MIB = 2**20
#: Steps whose growth the prediction is made from; the first one makes what stays.
EARLY = 20
WITHIN = 0.2

KEPT_GRAPHS, KEPT_NUMBERS = "outputs as they come", "losses as numbers"
KEPT = Factor("kept", (KEPT_GRAPHS, KEPT_NUMBERS))

RESPONSES = (
    Response("out_of_memory", "yes/no", "the GPU runs out of memory"),
    Response("steps", "steps", "the number of steps until the memory ends"),
    Response("growth", "MiB", "what a step adds to the memory that is allocated"),
    Response("predicted", "steps", "the step at which the growth says that the memory ends"),
    Response(
        "off_prediction",
        "1",
        "steps taken until the memory ended, over those that the growth predicts",
    ),
)

CLAIMS = (
    Claim(
        "C5.11",
        Value("out_of_memory").at(kept=KEPT_GRAPHS).always(),
        equals(1),
        reading="Where outputs are kept as they come, an evaluation without no_grad and a training "
        "loop run out of the card's memory,",
        headline={"backward": KEPT_FIRST},
    ),
    Claim(
        "C5.11",
        Value("off_prediction").at(kept=KEPT_GRAPHS).always(),
        between(1 - WITHIN, 1 + WITHIN),
        reading="and do so because of what is kept: within 20 % of the step that the growth of the "
        "first steps predicts.",
    ),
    Control(
        "kept numbers leave room",
        Value("out_of_memory").at(kept=KEPT_NUMBERS).always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """A network and a batch."""

    net: nn.Sequential
    batch: tuple[Tensor, Tensor]


def prepare(block: Block) -> Cell:
    """The values do not matter to memory."""
    net = tower(LAYERS, WIDTH).to(block.device)
    x = torch.randn(ROWS, WIDTH, device=block.device)
    return Cell(net, (x, torch.randint(WIDTH, (ROWS,), device=block.device)))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Keep outputs until the steps or the memory are used up."""
    graphs = arm[KEPT] == KEPT_GRAPHS
    keeper = Keeper(OUTPUTS, ATTACHED) if graphs else Keeper(LOSSES, NUMBERS)
    net = copy.deepcopy(cell.net)
    loop(net, [cell.batch] * 2, Keeper(LOSSES, DETACHED), arm[BACKWARD], lambda: None)
    torch.cuda.empty_cache()  # libraries have taken their workspace
    allocated = [torch.cuda.memory_allocated()]
    room, _ = torch.cuda.mem_get_info()

    def note() -> None:
        allocated.append(torch.cuda.memory_allocated())

    batches = [cell.batch] * (STEPS if graphs else CONTROL_STEPS)
    try:
        loop(net, batches, keeper, arm[BACKWARD], note)
        out = 0.0
    except torch.cuda.OutOfMemoryError:
        out = 1.0
    steps = len(allocated) - 1
    early = min(EARLY, steps)
    growth = (allocated[early] - allocated[1]) / (early - 1)
    predicted = (room - (allocated[1] - allocated[0])) / growth + 1 if growth > 0 else math.inf
    return {
        "out_of_memory": out,
        "steps": float(steps),
        "growth": growth / MIB,
        "predicted": predicted if math.isfinite(predicted) else math.nan,
        "off_prediction": steps / predicted,
    }


EXPERIMENT = Experiment(
    question="Does a GPU run out of memory when outputs are kept with their graphs?",
    factors=(KEPT, BACKWARD),
    only=lambda arm: arm[BACKWARD] in (NO_BACKWARD, KEPT_FIRST),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    fresh_process=True,
    needs="cuda",
)
