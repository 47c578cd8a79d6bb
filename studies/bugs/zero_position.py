"""Does it matter where in the loop the gradients are zeroed?

A perceptron trains on digits with ``zero_grad`` before the forward pass, between it and the
backward pass, or after the step, from the same weights and on the same batches. After every step
all weights are compared, bit for bit, with those of the loop that zeroes before the forward pass.
A loop that never zeroes shows that the comparison can fail.
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
    Unmeasurable,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS
from studies.bugs.same_as_momentum import Digits, all_weights, batches, prepare_digits

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

FIRST, BETWEEN, LAST = "before forward", "before backward", "after the step"
ZERO = Factor(
    "zero",
    (FIRST, BETWEEN, LAST, "never"),
    words={
        FIRST: "zero_grad before the forward pass",
        BETWEEN: "zero_grad between the forward and the backward pass",
        LAST: "zero_grad after the step",
        "never": "no zero_grad",
    },
)
OPTIMISER = Factor(
    "optimiser",
    ("SGD", "momentum", "Adam", "AdamW"),
    words={"momentum": "SGD with momentum"},
)
LEARNING_RATE = 0.01
LEARNS = at_most(0.95)  # a loss that is 5 % lower

CLAIMS = (
    Claim(
        "C3.18",
        Value("apart").at(zero=LAST).always(),
        equals(0),
        reading="Both work alike: with zero_grad after the step all weights are, after every step "
        "and bit for bit, those of the loop that zeroes before the forward pass.",
        headline={"optimiser": "Adam"},
    ),
    Claim(
        "C3.18",
        Value("loss_left").at(zero=(FIRST, LAST)),
        LEARNS,
        reading="Both work: the loss over the training set falls by 5 % or more.",
    ),
    Beyond(
        "C3.18",
        Value("apart").at(zero=BETWEEN).always(),
        equals(0),
        why="zero_grad between the forward and the backward pass, of which the passage does not "
        "speak",
    ),
    Unmeasurable(
        "C3.19",
        needs="a count over the tutorials and examples that PyTorch publishes",
        why="a convention is what people write, and no training run shows it; that the order "
        "makes no difference to the weights is measured beside it.",
    ),
    Control(
        "never zeroing is another training",
        Value("apart").at(zero="never").always(),
        more_than(0),
    ),
)


def measure(digits: Digits, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's loop and with the usual one, side by side."""
    blocks, task = digits.blocks, digits.task
    nets, usual = (Replicas(copy.deepcopy(task.networks)) for _ in range(2))
    loops = (
        training(nets, task, blocks[0].effort, arm[OPTIMISER], zero=arm[ZERO]),
        training(usual, task, blocks[0].effort, arm[OPTIMISER], zero=FIRST),
    )
    before = loss_of(nets, task)
    apart = torch.zeros(len(blocks))
    for _ in zip(*loops, strict=True):
        apart += (all_weights(nets) != all_weights(usual)).any(dim=1).cpu()
    left = loss_of(nets, task) / before
    return [
        {"apart": steps, "loss_left": share}
        for steps, share in zip(apart.tolist(), left.tolist(), strict=True)
    ]


def training(
    nets: Replicas, task: TrainingTask, steps: int, name: str, *, zero: str
) -> Iterator[None]:
    """Train for some steps, and pause after each."""
    optimiser = OPTIMISERS[name](nets.parameters(), LEARNING_RATE)
    for x, y in batches(task, steps):
        if zero == FIRST:
            optimiser.zero_grad()
        losses = nets.each(task.loss, nets(x), y)
        if zero == BETWEEN:
            optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        if zero == LAST:
            optimiser.zero_grad()
        yield


def loss_of(nets: Replicas, task: TrainingTask) -> Tensor:
    """Each replica's loss over the training set."""
    with torch.no_grad():
        return nets.each(task.loss, nets(task.train.x), task.train.y)


EXPERIMENT: Experiment[Digits] = Experiment(
    question="Does it matter where in the loop the gradients are zeroed?",
    factors=(ZERO, OPTIMISER),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(20, 100, 100),  # steps
    prepare_together=prepare_digits,
    measure_together=measure,
    responses=(
        Response(
            "apart",
            "steps",
            "number of steps after which the weights differ from those of the loop that zeroes "
            "first",
        ),
        Response("loss_left", "1", "training loss at the end over that before the first step"),
    ),
    claims=CLAIMS,
)
