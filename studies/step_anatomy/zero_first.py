"""Does it matter whether zero_grad comes fifth or first among the six operations?

Chapter 3 lists ``zero_grad`` fifth, chapter 9 first, and both are said to be fine. Both loops, with
the scheduler's step that belongs to them, train a perceptron on digits side by side, from the same
weights and on the same batches. The rule is that of C3.18 and A-pattern-1, which say the same of
loops without a scheduler (``studies.bugs.zero_position``, ``studies.grad_mode.zero_after_step``):
after every iteration all weights are compared bit for bit, and the loss has to fall. A loop that
never zeroes shows that the comparison can fail. Gradients that are there before the loop begins, of
which no list speaks, are measured beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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
from harness.workloads.loop import OPTIMISERS
from studies.bugs.same_as_momentum import Digits, all_weights, batches, prepare_digits
from studies.bugs.zero_position import LEARNING_RATE, LEARNS, OPTIMISER, loss_of
from studies.step_anatomy.orders import (
    BACKWARD,
    FORWARD,
    LOSS,
    OPERATIONS,
    ORDERS,
    ZERO,
    ZERO_FIRST,
    Loop,
    without,
)
from studies.step_anatomy.rates import step_lr

if TYPE_CHECKING:
    from harness.workloads.tasks import TrainingTask

FIFTH, FIRST, NEVER = "fifth", "first", "never"
ORDER_OF = {FIFTH: OPERATIONS, FIRST: ORDERS[ZERO_FIRST], NEVER: without(ZERO)}
POSITION = Factor(
    "position",
    tuple(ORDER_OF),
    words={FIFTH: "zero_grad fifth", FIRST: "zero_grad first", NEVER: "no zero_grad"},
)
NONE, LEFT = "no gradients before", "gradients before"
START = Factor(
    "start", (NONE, LEFT), words={NONE: "", LEFT: "with gradients from before the first iteration"}
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.03",
        Value("apart").at(position=FIFTH, start=NONE).always(),
        equals(0),
        reading="Both are fine: with zero_grad fifth all weights are, after every iteration and "
        "bit for bit, those of the loop that calls it first.",
        headline={"optimiser": "Adam"},
    ),
    Claim(
        "C3.03",
        Value("loss_left").at(position=(FIRST, FIFTH), start=NONE),
        LEARNS,
        reading="Both train: the loss over the training set falls by 5 % or more.",
    ),
    Beyond(
        "C3.03",
        Value("apart").at(position=FIFTH, start=LEFT).always(),
        equals(0),
        why="gradients that are there before the loop begins",
    ),
    Control(
        "a loop beside itself is never apart",
        Value("apart").at(position=FIRST).always(),
        equals(0),
    ),
    Control(
        "never zeroing is another training",
        Value("apart").at(position=NEVER).always(),
        more_than(0),
    ),
)


def measure(digits: Digits, arm: Arm) -> Sequence[Responses]:
    """Train in the arm's order and with zero_grad first, side by side."""
    task, steps = digits.task, digits.blocks[0].effort
    nets, usual = (Replicas(copy.deepcopy(task.networks)) for _ in range(2))
    loops = [
        training(each, task, steps, arm, position=position)
        for each, position in ((nets, arm[POSITION]), (usual, FIRST))
    ]
    before = loss_of(nets, task)
    apart = torch.zeros(len(digits.blocks))
    for _ in zip(*loops, strict=True):
        apart += (all_weights(nets) != all_weights(usual)).any(dim=1).cpu()
    left = loss_of(nets, task) / before
    return [
        {"apart": count, "loss_left": share}
        for count, share in zip(apart.tolist(), left.tolist(), strict=True)
    ]


def training(
    nets: Replicas, task: TrainingTask, steps: int, arm: Arm, *, position: str
) -> Iterator[None]:
    """Train for some iterations, and pause after each."""
    optimiser = OPTIMISERS[arm[OPTIMISER]](nets.parameters(), LEARNING_RATE)
    scheduler = step_lr(optimiser)
    loop = Loop(nets, task.loss, optimiser, scheduler)
    if arm[START] == LEFT:
        for x, y in batches(task, 1):
            loop.iterate((FORWARD, LOSS, BACKWARD), x, y)
    for x, y in batches(task, steps):
        loop.iterate(ORDER_OF[position], x, y)
        yield


EXPERIMENT: Experiment[Digits] = Experiment(
    question="Does it matter whether zero_grad comes fifth or first among the six operations?",
    factors=(POSITION, OPTIMISER, START),
    only=lambda arm: arm[START] == NONE or arm[POSITION] == FIFTH,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(20, 100, 100),  # iterations
    prepare_together=prepare_digits,
    measure_together=measure,
    responses=(
        Response(
            "apart",
            "iterations",
            "number of iterations after which the weights differ from those of the loop with "
            "zero_grad first",
        ),
        Response("loss_left", "1", "training loss at the end over that before the first iteration"),
    ),
    claims=CLAIMS,
)
