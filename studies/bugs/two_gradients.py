"""A gradient of +1, then one of -1: what does each optimiser do in the second step?

Without ``zero_grad`` the second ``.grad`` is +1 - 1 = 0. SGD then stands still, as SGD with
momentum 1 does. Adam goes on downhill by its first moment, b(1 - b) for the decay rate b: a
gradient of 0 takes nothing away from what it remembers. With ``zero_grad`` the moment is
b(1 - b) - (1 - b), which is -(1 - b)^2 and moves the weight back, whatever the rates. So Adam
without ``zero_grad`` is no Adam with other rates. Nor is it another optimiser of torch.optim with
its default settings: reset, none of them goes on. It is Adam behind momentum 1, as
``same_as_momentum`` shows.

One weight, no network, no randomness: blocks would be copies of each other, and one is enough.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

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
    equals,
    less_than,
    more_than,
)
from harness.libraries import torch

if TYPE_CHECKING:
    from torch import Tensor

OPTIMISER = Factor(
    "optimiser",
    (
        "SGD",
        "SGD, momentum 0.9",
        "SGD, momentum 1",
        "Adadelta",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "ASGD",
        "NAdam",
        "RAdam",
        "RMSprop",
        "Rprop",
    ),
)
ADAMS = ("Adam", "AdamW")
STANDING = ("SGD, momentum 1", "Rprop")
TURNING = tuple(name for name in OPTIMISER.levels if name not in STANDING)
GRADIENTS = Factor(
    "gradients",
    ("reset", "kept"),
    control="reset",
    words={"reset": "zero_grad in every step", "kept": "no zero_grad"},
)
LEARNING_RATE = 0.01
#: Decay rates of Adam's two moments, all with all, a round each.
FIRST, SECOND = (0.5, 0.9, 0.99, 0.999), (0.5, 0.9, 0.99, 0.999)

CLAIMS = (
    Claim(
        "C3.29",
        Value("accumulated").at(gradients="kept").always(),
        equals(0.0),
        reading="At step 2 .grad is the sum of both gradients: 0, for one is +1 and the other -1.",
    ),
    Control(
        "reset, every optimiser turns back",
        Value("second_step").at(gradients="reset", optimiser=TURNING).always(),
        more_than(0.0),
    ),
    Control(
        "Adam without zero_grad goes on, whatever its rates",
        Value("second_step").at(gradients="kept", optimiser=ADAMS).always(),
        less_than(0.0),
    ),
    Control(
        "SGD without zero_grad stands still",
        Value("second_step").at(gradients="kept", optimiser="SGD").always(),
        equals(0.0),
    ),
    Control(
        "and so does momentum 1 with it",
        Value("second_step").at(gradients="reset", optimiser="SGD, momentum 1").always(),
        equals(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Two steps from 0, for each setting of the optimiser."""
    kept = arm[GRADIENTS] == "kept"
    found = [two_steps(arm[OPTIMISER], setting, block.device, kept) for setting in settings(arm)]
    return {
        "accumulated": [gradient for gradient, _, _ in found],
        "first_step": [first for _, first, _ in found],
        "second_step": [second for _, _, second in found],
    }


def settings(arm: Arm) -> list[dict[str, object]]:
    """What the optimiser is called with, beside the learning rate."""
    name = arm[OPTIMISER]
    if name in ADAMS:
        return [{"betas": (first, second)} for first in FIRST for second in SECOND]
    momentum = {"SGD, momentum 0.9": 0.9, "SGD, momentum 1": 1.0}.get(name)
    return [{} if momentum is None else {"momentum": momentum}]


def two_steps(
    name: str, setting: dict[str, object], device: str, kept: bool
) -> tuple[float, float, float]:
    """The second gradient that the optimiser finds, and both steps as multiples of the rate."""
    weight = torch.zeros(1, dtype=torch.float64, device=device, requires_grad=True)
    kind = getattr(torch.optim, name.partition(",")[0])
    optimiser = kind([weight], lr=LEARNING_RATE, **setting)
    places: list[Tensor] = [weight.detach().clone()]
    left = math.nan
    for gradient in (1.0, -1.0):
        if not kept:
            optimiser.zero_grad()
        (gradient * weight).sum().backward()
        left = math.nan if weight.grad is None else weight.grad.item()
        optimiser.step()
        places.append(weight.detach().clone())
    first, second = ((b - a).item() / LEARNING_RATE for a, b in pairwise(places))
    return left, first, second


EXPERIMENT = Experiment(
    question="What does each optimiser do with a gradient of +1 and then one of -1?",
    factors=(OPTIMISER, GRADIENTS),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response(
            "accumulated", "1", "what .grad holds at the second step, after gradients of +1 and -1"
        ),
        Response("first_step", "rates", "first step, in multiples of the learning rate"),
        Response("second_step", "rates", "second step, in multiples of the learning rate"),
    ),
    claims=CLAIMS,
)
