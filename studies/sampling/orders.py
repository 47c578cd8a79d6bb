"""The orders in which the rows of a stored set are read, and training on them, replicas at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.libraries import functional, torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS

if TYPE_CHECKING:
    from torch import Tensor

    from studies.sampling.classes import ClassTask

STORED, REVERSED, SHUFFLED = "class by class", "classes reversed", "shuffled every epoch"
ONCE, INDEPENDENT = "shuffled once", "drawn with replacement"
#: Usual learning rates.
RATES = {"SGD": 0.1, "momentum": 0.01, "Adam": 0.001}


def rows_in_order(kind: str, rows: int, epochs: int, seed: int) -> list[Tensor]:
    """The rows of each epoch.

    Args:
        kind: one of the names of this module.
        rows: of a set that is stored class by class.
        epochs: how many.
        seed: of what is drawn.
    """
    stream = torch.Generator().manual_seed(seed)
    once = torch.randperm(rows, generator=stream)
    draw: dict[str, Callable[[], Tensor]] = {
        STORED: lambda: torch.arange(rows),
        REVERSED: lambda: torch.arange(rows).flip(0),
        SHUFFLED: lambda: torch.randperm(rows, generator=stream),
        ONCE: lambda: once,
        INDEPENDENT: lambda: torch.randint(rows, (rows,), generator=stream),
    }
    return [draw[kind]() for _ in range(epochs)]


def batches_in_order(task: ClassTask, kind: str, epochs: int) -> Tensor:
    """The rows of every full batch; shape (steps, replicas, batch)."""
    rows, full = task.train.x.shape[1], task.steps * task.batch
    each = [
        torch.cat([epoch[:full] for epoch in rows_in_order(kind, rows, epochs, seed)])
        for seed in task.seeds
    ]
    cut = torch.stack(each).view(len(each), -1, task.batch).transpose(0, 1)
    return cut.to(task.train.x.device)


def train(
    task: ClassTask,
    batches: Tensor,
    optimiser: str,
    after: Callable[[int, Replicas], None] | None = None,
) -> tuple[Replicas, Tensor]:
    """Train copies of a task's networks on batches.

    Args:
        task: is left as it was.
        batches: rows, shape (steps, replicas, batch).
        optimiser: "SGD", "momentum" (SGD with a momentum of 0.9) or "Adam".
        after: called after every step with the number of steps done; it must draw nothing.

    Returns:
        The networks, and the loss of every batch before its step, shape (steps, replicas).
    """
    nets = Replicas(copy.deepcopy(task.networks)).train()
    stepper = OPTIMISERS[optimiser](nets.parameters(), RATES[optimiser])
    replica = torch.arange(nets.count, device=batches.device)[:, None]
    losses = []
    for step, chosen in enumerate(batches):
        stepper.zero_grad()
        outputs = nets(task.train.x[replica, chosen])
        each = nets.each(functional.cross_entropy, outputs, task.train.y[replica, chosen])
        each.sum().backward()
        stepper.step()
        losses.append(each.detach())
        if after:
            after(step + 1, nets)
    return nets, torch.stack(losses)
