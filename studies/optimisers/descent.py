"""Training step by step: whoever asks for the next step decides when it is enough.

The harness's loop trains for a number of epochs. To count the steps to a target one has to look
after each of them, and to stop when all replicas are there. Weights, batches and updates are those
of the harness's loop, to the bit; a test holds them together.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS, evaluate

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        optimiser: one of ``harness.workloads.loop.OPTIMISERS``.
        lr: the learning rate, at the start where it is annealed.
        batch: rows a step; what is left over at the end of an epoch is left out.
        anneal: over so many epochs the rate falls along a cosine, by torch's scheduler, once an
            epoch as in the document's own loop; None keeps it.
    """

    optimiser: str
    lr: float
    batch: int = 16
    anneal: int | None = None

    def __str__(self) -> str:
        return f"{self.optimiser}, rate {self.lr:g}, batch {self.batch}"


@dataclass(frozen=True)
class Step:
    """What one step of all replicas leaves.

    Attributes:
        done: how many steps have been made, this one included.
        nets: the networks after it; its gradients are still there.
        losses: of the step's batch before the update, shape (replicas,).
        lr: the rate it was made with.
        ends_epoch: whether it is the last of its epoch.
    """

    done: int
    nets: Replicas
    losses: Tensor
    lr: float
    ends_epoch: bool


def descend(
    task: TrainingTask, recipe: Recipe, loss: Callable[..., Tensor] | None = None
) -> Iterator[Step]:
    """Train copies of a task's networks without an end.

    Args:
        task: is left as it was.
        recipe: how.
        loss: in place of the task's own.
    """
    nets = Replicas(copy.deepcopy(task.networks)).train()
    optimiser = OPTIMISERS[recipe.optimiser](nets.parameters(), recipe.lr)
    scheduler = (
        torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=recipe.anneal)
        if recipe.anneal
        else None
    )
    orders = [torch.Generator().manual_seed(seed) for seed in task.seeds]
    rows, done = task.train.x.shape[1], 0
    replica = torch.arange(nets.count, device=task.train.x.device)[:, None]
    while True:
        order = torch.stack([torch.randperm(rows, generator=each) for each in orders])
        whole = order[:, : rows - rows % recipe.batch].to(task.train.x.device)
        batches = whole.split(recipe.batch, dim=1)
        for place, chosen in enumerate(batches, start=1):
            optimiser.zero_grad()
            outputs = nets(task.train.x[replica, chosen])
            losses = nets.each(loss or task.loss, outputs, task.train.y[replica, chosen])
            losses.sum().backward()
            rate = float(optimiser.param_groups[0]["lr"])
            optimiser.step()
            done += 1
            yield Step(done, nets, losses.detach(), rate, place == len(batches))
        if scheduler:
            scheduler.step()


def first_steps(task: TrainingTask, recipe: Recipe, count: int) -> Iterator[Step]:
    """So many steps of ``descend``."""
    for step in descend(task, recipe):
        yield step
        if step.done >= count:
            return


def train_loss(task: TrainingTask, nets: Replicas) -> Numbers:
    """The loss on all rows that are trained on, shape (replicas,)."""
    return as_numbers(evaluate(nets, task, task.train)[0])


def train_accuracy(task: TrainingTask, nets: Replicas) -> Numbers:
    """The share of the rows trained on that are told right, shape (replicas,)."""
    return as_numbers(evaluate(nets, task, task.train)[1])


def val_accuracy(task: TrainingTask, nets: Replicas) -> Numbers:
    """The share of the validation rows that are told right, shape (replicas,)."""
    return as_numbers(evaluate(nets, task, task.val)[1])


def steps_to(
    task: TrainingTask, recipe: Recipe, targets: Sequence[float], caps: Numbers
) -> Numbers:
    """After how many steps the validation accuracy first reaches each target.

    Args:
        task: what is learnt.
        recipe: how.
        targets: accuracies.
        caps: after so many steps a replica is given up, shape (targets, replicas).

    Returns:
        Shape (targets, replicas); infinite where a target was not reached within its cap.
    """
    levels = np.asarray(targets)[:, None] - 1e-6  # a mean in float32 may miss 0.9 by a rounding
    reached = np.full(caps.shape, math.inf)
    for step in descend(task, recipe):
        there = val_accuracy(task, step.nets)[None] >= levels
        reached[there & np.isinf(reached) & (step.done <= caps)] = step.done
        if (np.isfinite(reached) | (step.done >= caps)).all():
            return reached
    raise AssertionError("training has no end of its own")


def as_numbers(values: Tensor) -> Numbers:
    """A tensor as NumPy's doubles."""
    return np.asarray(values.detach().double().cpu().numpy(), np.float64)
