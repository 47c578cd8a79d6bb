"""Does it matter where in the loop the gradients are zeroed?

A perceptron trains on digits with ``zero_grad`` before the forward pass, between it and the
backward pass, or after the step, from the same weights and on the same batches. After every step
all weights are compared, bit for bit, with those of the loop that zeroes before the forward pass.
A loop that never zeroes shows that the comparison can fail.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import lru_cache
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
    Unmeasurable,
    Value,
    equals,
    less_than,
    more_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS
from harness.workloads.tasks import DIGITS, make_task
from studies.bugs.same_as_momentum import all_weights, batches

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

FIRST, BETWEEN, LAST = "before forward", "before backward", "after the step"
ZERO = Factor("zero", (FIRST, BETWEEN, LAST, "never"))
OPTIMISER = Factor("optimiser", ("SGD", "momentum", "Adam", "AdamW"))
LEARNING_RATE = 0.01

CLAIMS = (
    Claim(
        "C3.18",
        Value("apart").at(zero=LAST).always(),
        equals(0),
        reading="Both work: after every step all weights are, bit for bit, those of the loop that "
        "zeroes before the forward pass,",
    ),
    Claim(
        "C3.18",
        Value("loss_change").at(zero=(FIRST, LAST)),
        less_than(0),
        reading="and the loss over the training set falls.",
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


@lru_cache(maxsize=1)
def task_of(blocks: tuple[Block, ...]) -> TrainingTask:
    """Digits, a network for each block; training leaves it as it was."""
    return make_task(DIGITS, blocks)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train with the arm's loop and with the usual one, side by side."""
    task = task_of(blocks)
    nets, usual = (Replicas(copy.deepcopy(task.networks)) for _ in range(2))
    loops = (
        training(nets, task, blocks[0].effort, arm[OPTIMISER], zero=arm[ZERO]),
        training(usual, task, blocks[0].effort, arm[OPTIMISER], zero=FIRST),
    )
    before = loss_of(nets, task)
    apart = torch.zeros(len(blocks))
    for _ in zip(*loops, strict=True):
        apart += (all_weights(nets) != all_weights(usual)).any(dim=1).cpu()
    change = loss_of(nets, task) - before
    return [
        {"apart": different, "loss_change": changed}
        for different, changed in zip(apart.tolist(), change.tolist(), strict=True)
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


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does it matter where in the loop the gradients are zeroed?",
    factors=(ZERO, OPTIMISER),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(20, 100, 100),  # steps
    measure_together=measure,
    responses=(
        Response("apart", "steps", "apart"),
        Response("loss_change", "nat", "loss change"),
    ),
    claims=CLAIMS,
)
