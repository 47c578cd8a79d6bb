"""Does no_grad decide whether a model of 7 billion parameters needs one accelerator or two?

The peak of a forward pass over 4,096 tokens is predicted as in ``seven_billion``, with the weights
in 16 bits, and divided by the memory of the card of this run. The document's 14 GB for the weights
say 16 bits; it names no card and no batch. On a card that holds both, or neither, it decides
nothing.
"""

from __future__ import annotations

import math

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch
from harness.meters import predicted_memory
from studies.memory.llama import forward, forward_without_graph, llama

ROWS, LENGTH = 8, 512

GRAD = Factor("grad", ("enabled", "no_grad"), control="no_grad")

CLAIMS = (
    Claim(
        "C4.28",
        Value("cards").at(grad="no_grad").always(),
        equals(1.0),
        reading="Under no_grad one card of the kind at hand is enough.",
    ),
    Claim(
        "C4.28",
        Value("cards").at(grad="enabled").always(),
        equals(2.0),
        reading="With gradients enabled it takes two.",
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict the peak, and divide it by what the card has."""
    step = forward if arm[GRAD] == "enabled" else forward_without_graph
    peak = predicted_memory(llama("bfloat16", ROWS, LENGTH), step, device=block.device).peak_bytes
    card = torch.cuda.get_device_properties(block.device).total_memory
    return {"peak": peak / 1e9, "card": card / 1e9, "cards": float(math.ceil(peak / card))}


EXPERIMENT = Experiment(
    question="Does no_grad decide whether a model of 7 billion parameters needs a second card?",
    factors=(GRAD,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("peak", "GB", "peak"),
        Response("card", "GB", "card"),
        Response("cards", "1", "cards"),
    ),
    claims=CLAIMS,
    needs="cuda",
)
