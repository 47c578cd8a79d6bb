"""Does zero_grad between backward and step erase what backward has just computed?

A perceptron trains on digits with the six operations in chapter 3's order, but for ``zero_grad``,
which is called before the step in place of after it. Looked at are the gradients that the step
finds, number by number, and how far it moves any weight. A weight can also move without a gradient:
momentum, weight decay or Adam's moments of earlier, correct steps go on where ``zero_grad`` leaves
zeros (``set_to_none=False``) and not None. That is no surviving gradient, and beyond the passage,
whose ``zero_grad`` has no argument.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from studies.bugs.same_as_momentum import Digits, all_weights, batches, prepare_digits
from studies.step_anatomy.listing import RATE
from studies.step_anatomy.orders import BACKWARD, FORWARD, LOSS, STEP, ZERO, Loop

if TYPE_CHECKING:
    from torch import Tensor, nn

BEFORE_STEP, AFTER_STEP = "before the step", "after the step"
ZEROED = Factor(
    "zeroed",
    (BEFORE_STEP, AFTER_STEP),
    words={BEFORE_STEP: "zero_grad before the step", AFTER_STEP: "zero_grad after the step"},
)
NONE, ZEROS = "None", "zeros"
TO = Factor("to", (NONE, ZEROS), words={NONE: "", ZEROS: "set_to_none=False"})
#: Correct iterations before the first wrong one.
EARLIER = Factor(
    "earlier",
    (0, 10),
    words={0: "from the first iteration", 10: "after 10 correct iterations"},
)

MakeOptimiser = Callable[[Iterable["nn.Parameter"]], "torch.optim.Optimizer"]
SETTINGS: dict[str, MakeOptimiser] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=RATE),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.001),
    "SGD with momentum": lambda parameters: torch.optim.SGD(parameters, lr=RATE, momentum=0.9),
    "SGD with weight decay": lambda parameters: torch.optim.SGD(
        parameters, lr=RATE, weight_decay=0.01
    ),
}
OPTIMISER = Factor("optimiser", tuple(SETTINGS))
NAMED, OTHERS = ("SGD", "Adam"), ("SGD with momentum", "SGD with weight decay")

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.01",
        Value("left").at(zeroed=BEFORE_STEP, to=NONE, optimiser=NAMED).always(),
        equals(0),
        reading="Erased: of the gradients that backward has computed, the step finds none.",
    ),
    Claim(
        "C3.01",
        Value("moved").at(zeroed=BEFORE_STEP, to=NONE, optimiser=NAMED).always(),
        equals(0),
        reading="Nothing of them reaches the weights: no weight moves, by a single bit.",
        headline={"optimiser": "SGD", "earlier": 0},
    ),
    *(
        Beyond(
            "C3.01",
            Value(name).at(zeroed=BEFORE_STEP, to=ZEROS).always(),
            equals(0),
            why="set_to_none=False, which the passage's call does not say",
        )
        for name in ("left", "moved")
    ),
    Beyond(
        "C3.01",
        Value("moved").at(zeroed=BEFORE_STEP, to=NONE, optimiser=OTHERS).always(),
        equals(0),
        why="momentum or weight decay, which the chapter does not use",
    ),
    Control(
        "with zero_grad after the step there are gradients",
        Value("left").at(zeroed=AFTER_STEP).always(),
        more_than(0),
    ),
    Control(
        "with zero_grad after the step the weights move",
        Value("moved").at(zeroed=AFTER_STEP).always(),
        more_than(0),
    ),
)


def measure(digits: Digits, arm: Arm) -> Sequence[Responses]:
    """Train correctly for a while, then with the arm's order, and watch every step."""
    task, steps = digits.task, digits.blocks[0].effort
    nets = Replicas(copy.deepcopy(task.networks))
    optimiser = SETTINGS[arm[OPTIMISER]](nets.parameters())
    loop = Loop(nets, task.loss, optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser, 1.0))
    left, moved = [], []
    for number, (x, y) in enumerate(batches(task, arm[EARLIER] + steps)):
        loop.iterate((FORWARD, LOSS, BACKWARD), x, y)
        wrong = number >= arm[EARLIER] and arm[ZEROED] == BEFORE_STEP
        if wrong:
            zero(loop, arm, x, y)
        found, before = gradients_left(nets), all_weights(nets)
        loop.call(STEP, x, y)
        if not wrong:
            zero(loop, arm, x, y)
        if number >= arm[EARLIER]:
            left.append(found)
            moved.append((all_weights(nets) - before).abs().amax(dim=1))
    most, furthest = torch.stack(left).amax(0), torch.stack(moved).amax(0)
    return [
        {"left": count, "moved": far}
        for count, far in zip(most.tolist(), furthest.tolist(), strict=True)
    ]


def zero(loop: Loop, arm: Arm, x: Tensor, y: Tensor) -> None:
    """Call zero_grad as the listing does, or have it leave zeros."""
    if arm[TO] == NONE:
        loop.call(ZERO, x, y)
    else:
        loop.optimiser.zero_grad(set_to_none=False)


def gradients_left(nets: Replicas) -> Tensor:
    """How many numbers of each replica's gradients are not zero."""
    counts: Any = torch.zeros(nets.count, device=next(nets.parameters()).device)
    for parameter in nets.parameters():
        if parameter.grad is not None:
            counts = counts + (parameter.grad != 0).flatten(1).sum(dim=1)
    return torch.as_tensor(counts)


EXPERIMENT: Experiment[Digits] = Experiment(
    question="Does zero_grad between backward and step erase what backward has just computed?",
    factors=(ZEROED, OPTIMISER, TO, EARLIER),
    only=lambda arm: arm[ZEROED] == BEFORE_STEP or arm[TO] == NONE,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(5, 25, 50),  # iterations that are watched
    prepare_together=prepare_digits,
    measure_together=measure,
    responses=(
        Response("left", "numbers", "the most numbers other than zero that a step finds in .grad"),
        Response("moved", "1", "the furthest that a step moves any weight"),
    ),
    claims=CLAIMS,
)
