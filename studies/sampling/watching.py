"""What is looked at while classes are learnt in some order, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.libraries import functional, torch
from studies.sampling.classes import BLOCK, half_of_chance

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads import Replicas
    from studies.sampling.classes import ClassTask

EVERY, SAMPLE = 5, 320  # steps between two looks at the training loss, and at how many images


class Watch:
    """Looks at the networks during training: the loss on a sample, and what they lean to.

    Attributes:
        losses: on the sample, every five steps; each of shape (replicas,).
        leans: after each run of one class, the share of held-out images taken for the class of that
            run, less the half that are of it.
    """

    def __init__(self, task: ClassTask, first: int = 0) -> None:
        """``first`` is the class that an epoch begins with."""
        self.task, self.first = task, first
        self.losses: list[Tensor] = []
        self.leans: list[Tensor] = []
        every = max(1, task.train.x.shape[1] // SAMPLE)  # of rows stored by class: a fair sample
        self.x, self.y = task.train.x[:, ::every], task.train.y[:, ::every]

    def __call__(self, step: int, nets: Replicas) -> None:
        """Look, after so many steps."""
        with torch.no_grad():
            if step % EVERY == 0:
                self.losses.append(nets.each(functional.cross_entropy, nets(self.x), self.y))
            if step % BLOCK == 0 and self.task.steps == 2 * BLOCK:
                shown = 1 - self.first if step % (2 * BLOCK) == 0 else self.first
                taken = (nets(self.task.val.x).argmax(-1) == shown).float().mean(1)
                self.leans.append(taken - 0.5)


def describe(
    task: ClassTask, batches: Tensor, losses: Tensor, watch: Watch, *, stored: bool
) -> dict[str, Tensor]:
    """What of a training is judged; each of shape (replicas,).

    Args:
        task: trained on.
        batches: the rows of every batch, shape (steps, replicas, batch).
        losses: of every batch, shape (steps, replicas).
        watch: what was seen on the way.
        stored: whether the classes came one after the other.
    """
    by_epoch = losses.view(-1, task.steps, losses.shape[1])
    ranges = by_epoch.amax(1) - by_epoch.amin(1)
    late = ranges[1:].mean(0)
    nothing = torch.full_like(late, float("nan"))
    replica = torch.arange(len(late), device=batches.device)[:, None]
    classes = task.train.y[replica, batches].mode(-1).values
    levels = torch.stack(watch.losses) <= half_of_chance(int(task.val.y.max()) + 1)
    reached = levels.any(0)
    first = (levels.float().argmax(0) + 1) * EVERY
    # What is never reached counts as if it were at the next look: a lower bound.
    return {
        "lean": torch.stack(watch.leans).mean(0) if watch.leans else nothing,
        "swing": jumps(classes, losses) if stored else ranges.mean(0),
        "late_swing": jumps(classes[task.steps - 1 :], losses[task.steps - 1 :])
        if stored
        else late,
        "range_of_losses": late,
        "reached": reached.float(),
        "steps_to_half": torch.where(reached, first, (len(levels) + 1) * EVERY),
    }


def jumps(classes: Tensor, losses: Tensor) -> Tensor:
    """The mean jump of the loss from one batch to the next where the class changes.

    Args:
        classes: the most frequent class of every batch, shape (steps, replicas).
        losses: of every batch, shape (steps, replicas).
    """
    changes = classes[1:] != classes[:-1]
    return ((losses[1:] - losses[:-1]) * changes).sum(0) / changes.sum(0)


def accuracy(nets: Replicas, task: ClassTask) -> Tensor:
    """Of each replica on its held-out images."""
    with torch.no_grad():
        return (nets(task.val.x).argmax(-1) == task.val.y).float().mean(1)
