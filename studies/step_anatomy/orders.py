"""The six operations of a training step, in any order, and what becomes of the training.

A script that calls the operations in another order reads names that do not exist yet, and Python
stops it. A loop whose order is a variable has to do the same: ``Loop`` keeps the names of the
script, and reading one that nobody has set raises the NameError that the script would raise. Names
stay from one iteration to the next, as those of a script do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness.libraries import torch
from harness.workloads import Replicas

if TYPE_CHECKING:
    from torch import Tensor

FORWARD, LOSS, BACKWARD = "forward", "loss", "backward"
STEP, ZERO, SCHEDULE = "step", "zero_grad", "scheduler step"
#: In the order in which chapter 3 lists them.
OPERATIONS = (FORWARD, LOSS, BACKWARD, STEP, ZERO, SCHEDULE)
#: What a reader sees.
CALLS = {
    FORWARD: "forward pass",
    LOSS: "loss",
    BACKWARD: "backward()",
    STEP: "step()",
    ZERO: "zero_grad()",
    SCHEDULE: "scheduler step",
}


def without(operation: str) -> tuple[str, ...]:
    """The listed order without one operation."""
    return tuple(each for each in OPERATIONS if each != operation)


def swapped(one: str, other: str) -> tuple[str, ...]:
    """The listed order with two operations in each other's place."""
    places = {one: other, other: one}
    return tuple(places.get(each, each) for each in OPERATIONS)


#: Every order that is tried, by its name: chapter 3's own, each single operation left out, each two
#: neighbours swapped, and two orders that its list does not rule out as such.
LISTED = "as listed"
SKIPS = {f"no {CALLS[each]}": without(each) for each in OPERATIONS}
SWAPS = {
    f"{CALLS[one]} and {CALLS[other]} swapped": swapped(one, other)
    for one, other in itertools.pairwise(OPERATIONS)
}
JUDGED = (*SKIPS, *SWAPS)
NO_SCHEDULE, NO_ZERO = f"no {CALLS[SCHEDULE]}", f"no {CALLS[ZERO]}"
ERASING = f"{CALLS[STEP]} and {CALLS[ZERO]} swapped"
ZERO_FIRST = f"{CALLS[ZERO]} first"
EARLY_SCHEDULE = f"{CALLS[SCHEDULE]} before {CALLS[STEP]}"
BEYOND = {
    ZERO_FIRST: (ZERO, FORWARD, LOSS, BACKWARD, STEP, SCHEDULE),
    EARLY_SCHEDULE: (FORWARD, LOSS, BACKWARD, SCHEDULE, STEP, ZERO),
}
ORDERS = {LISTED: OPERATIONS, **SKIPS, **SWAPS, **BEYOND}


class Loop:
    """A training loop whose operations come in an order of one's own.

    Attributes:
        names: the script's variables, "outputs" and "loss", as far as they have been set.
    """

    def __init__(
        self,
        nets: Replicas,
        loss: Callable[..., Tensor],
        optimiser: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        """Take over what the script would have set up.

        Args:
            nets: one or more networks, trained at once.
            loss: as ``Replicas.each`` takes it; the networks' losses are added up, which leaves
                each its own gradients.
            optimiser: of the networks' parameters.
            scheduler: of the optimiser.
        """
        self.nets, self.criterion = nets, loss
        self.optimiser, self.scheduler = optimiser, scheduler
        self.names: dict[str, Tensor] = {}

    def iterate(self, order: Sequence[str], x: Tensor, y: Tensor) -> None:
        """One iteration on a batch.

        Args:
            order: some of ``OPERATIONS``.
            x: inputs, shape (replicas, batch, features).
            y: targets, shape (replicas, batch, ...).

        Raises:
            NameError: an operation reads what no operation has made yet.
        """
        for operation in order:
            self.call(operation, x, y)

    def call(self, operation: str, x: Tensor, y: Tensor) -> None:
        """One operation; see ``iterate``."""
        calls: dict[str, Callable[[], Any]] = {
            FORWARD: lambda: self.names.update(outputs=self.nets(x)),
            LOSS: lambda: self.names.update(loss=self._loss(y)),
            BACKWARD: lambda: torch.autograd.backward(self._read("loss")),
            STEP: self.optimiser.step,
            ZERO: self.optimiser.zero_grad,
            SCHEDULE: self.scheduler.step,
        }
        calls[operation]()

    def _loss(self, y: Tensor) -> Tensor:
        return self.nets.each(self.criterion, self._read("outputs"), y).sum()

    def _read(self, name: str) -> Tensor:
        if name not in self.names:
            raise NameError(f"name {name!r} is not defined")
        return self.names[name]
