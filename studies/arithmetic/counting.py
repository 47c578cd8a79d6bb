"""A loop that counts: what a loader delivers, and what reaches an optimiser's ``step``.

The network is one weight, every example adds that weight once to the loss, and so the weight's
gradient is the number of examples it comes from. The optimiser reads it there, in ``step``: how
many examples a weight update is made of is not book-keeping of ours, but what autograd has summed.
Whether it belongs to one batch, to several that accumulated, or to some that an earlier epoch left
behind makes no difference to the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.libraries import nn, torch
from harness.workloads.arithmetic import Run

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Sampler


@dataclass(frozen=True)
class Counted:
    """What a loop did.

    Attributes:
        epochs: for each epoch the size of every batch, in order.
        distinct: how many different examples each epoch delivered.
        updates: how many examples each weight update was made of, in order.
        sources: for every batch, in order, the number of the update its gradients went into, from
            0, or -1 where they went into none.
        unused: how many examples' gradients were there at the end and in no update.
    """

    epochs: tuple[tuple[int, ...], ...]
    distinct: tuple[int, ...]
    updates: tuple[int, ...]
    sources: tuple[int, ...]
    unused: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of all batches."""
        return tuple(size for epoch in self.epochs for size in epoch)


class CountingSGD:
    """Plain SGD over one weight that writes down, at each step, how many examples it is given."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.optimiser = torch.optim.SGD([weight], lr=1e-6)
        self.updates: list[int] = []

    def step(self) -> None:
        """Write down the gradient, and update the weight; an update that changes nothing is none.

        Raises:
            ValueError: the weight is what it was before.
        """
        before = self.weight.detach().clone()
        self.updates.append(self.waiting())
        self.optimiser.step()
        if torch.equal(before, self.weight):
            raise ValueError("a step that leaves the weight as it was is no update")

    def zero_grad(self) -> None:
        """As the optimiser has it."""
        self.optimiser.zero_grad()

    def waiting(self) -> int:
        """How many examples' gradients are there, summed."""
        return 0 if self.weight.grad is None else round(self.weight.grad.item())


def train(
    run: Run,
    *,
    shuffle: bool = True,
    flush: bool = False,
    sampler: Sampler[Any] | None = None,
    most: int | None = None,
) -> Counted:
    """Train, and count.

    The loop accumulates as document C has it: it steps when the number of batches since the epoch
    began is a multiple of K, and zeroes gradients after a step only. With K of 1 that is the plain
    loop, which zeroes before every forward pass instead.

    Args:
        run: its numbers.
        shuffle: whether the loader does.
        flush: whether the loop also steps at the end of an epoch where gradients are left.
        sampler: in place of the loader's own.
        most: of weight updates, where the loop stops however many epochs there are.
    """
    data: Any = range(run.examples)  # it has what a loader asks for
    loader: Any = torch.utils.data.DataLoader(
        data,
        batch_size=run.batch,
        shuffle=shuffle and sampler is None,
        sampler=sampler,
        drop_last=run.drop_last,
    )
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimiser = CountingSGD(weight)
    epochs, distinct, sources = [], [], []
    for _ in range(run.epochs):
        sizes, seen = [], set()
        for place, rows in enumerate(loader):
            weight.expand(len(rows)).sum().backward()
            sizes.append(len(rows))
            seen.update(rows.tolist())
            sources.append(len(optimiser.updates))
            if (place + 1) % run.accumulate == 0:
                optimiser.step()
                optimiser.zero_grad()
            if len(optimiser.updates) == most:
                break
        if flush and optimiser.waiting():
            optimiser.step()
            optimiser.zero_grad()
        epochs.append(tuple(sizes))
        distinct.append(len(seen))
        if len(optimiser.updates) == most:
            break
    made = len(optimiser.updates)
    return Counted(
        epochs=tuple(epochs),
        distinct=tuple(distinct),
        updates=tuple(optimiser.updates),
        sources=tuple(source if source < made else -1 for source in sources),
        unused=optimiser.waiting(),
    )


@cache
def counted(run: Run, *, flush: bool = False) -> Counted:
    """What a loop with these numbers did, shuffled; run once, however many facts ask for it."""
    return train(run, flush=flush)


def epoch(run: Run) -> tuple[int, int]:
    """Batches of the first epoch, and the size of its last one, counted."""
    sizes = counted(run).epochs[0]
    return len(sizes), sizes[-1]


def odd(updates: Iterable[int], full: int) -> int:
    """How many updates are of another number of examples than this."""
    return sum(examples != full for examples in updates)
