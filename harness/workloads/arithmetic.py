"""How many steps a training takes: the formulas as they are taught, and what the loop does.

``Run`` gives the formulas of document C (chapter 0, and the cheat-sheet of chapter 9); ``looped``
gives what its accumulating loops (chapter 7) do with the same numbers. The two agree except where
the batches of an epoch do not fill the last group of an accumulating loop: the loop steps when
``(i + 1) % K == 0``, counts ``i`` from 0 in every epoch, and zeroes gradients only after a step. A
group that is not full makes no update; its gradients stay where they are and go into the first
update of the next epoch, and those of the last epoch are never used.

Plain Python: whole numbers only, no library, nothing is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from harness.errors import HarnessError

_WORDS = {
    "examples": "number of examples",
    "batch": "batch size",
    "epochs": "number of epochs",
    "accumulate": "number of batches to a weight update",
}


@dataclass(frozen=True)
class Run:
    """A training by its numbers, and what the formulas make of them.

    Args:
        examples: N, in the data set.
        batch: B, examples in one forward pass.
        epochs: passes through the data set.
        accumulate: K, batches whose gradients are summed before the weights are updated.
        drop_last: whether a last batch that is not full is left out.

    Raises:
        HarnessError: a number that is not whole, or is below 1.
    """

    examples: int
    batch: int
    epochs: int = 1
    accumulate: int = 1
    drop_last: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _WORDS:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise HarnessError(
                    f"The {_WORDS[field.name]} must be a whole number of 1 or more, not {value}."
                )

    @property
    def batches_per_epoch(self) -> int:
        """Ceil(N / B), or floor(N / B) where the last batch is dropped (lines 31 and 916)."""
        return self.examples // self.batch if self.drop_last else _ceil(self.examples, self.batch)

    @property
    def last_batch(self) -> int:
        """N mod B, or B where that is 0 (lines 88 to 90); B where what is over is dropped.

        0 where there is no batch at all: fewer examples than a batch, and they are dropped.
        """
        if self.drop_last:
            return self.batch if self.batches_per_epoch else 0
        return self.partial_batch or self.batch

    @property
    def partial_batch(self) -> int:
        """N mod B, 0 where B divides N: the cheat-sheet's last batch (line 915)."""
        return self.examples % self.batch

    @property
    def batches(self) -> int:
        """Epochs x batches per epoch: forward and backward passes in all (lines 93 and 1011)."""
        return self.epochs * self.batches_per_epoch

    @property
    def effective_batch(self) -> int:
        """B x K: examples behind one weight update (lines 96 and 1012)."""
        return self.batch * self.accumulate

    @property
    def updates_per_epoch(self) -> int:
        """Ceil(N / (B K)) (lines 97 and 1013).

        It is the same number as ceil(ceil(N / B) / K). Put so, it stays a formula where the last
        batch is dropped, of which the document's says nothing.
        """
        return _ceil(self.batches_per_epoch, self.accumulate)

    @property
    def updates(self) -> int:
        """Epochs x updates per epoch (line 98)."""
        return self.epochs * self.updates_per_epoch

    @property
    def examples_seen(self) -> int:
        """N x epochs (line 101), whether the last batch is dropped or not."""
        return self.examples * self.epochs


@dataclass(frozen=True)
class Looped:
    """What the listed loop does with a run's numbers.

    Attributes:
        batches_per_epoch: forward and backward passes of one epoch.
        last_batch: examples in the last of them, 0 where there is none.
        batches: forward and backward passes in all.
        updates_per_epoch: weight updates of one epoch.
        updates: weight updates in all.
        left_over: batches of an epoch that fill no group.
        update_sizes: for each number of examples that the gradients of a weight update come from,
            how many updates have it.
        examples_seen: examples that passed forward and backward.
        unused: of these, the examples whose gradients went into no weight update.
    """

    batches_per_epoch: int
    last_batch: int
    batches: int
    updates_per_epoch: int
    updates: int
    left_over: int
    update_sizes: Mapping[int, int]
    examples_seen: int
    unused: int


def looped(run: Run) -> Looped:
    """What the listed loop does, in closed form.

    With b batches an epoch it makes floor(b / K) updates and leaves b mod K batches over; where it
    leaves some, all groups that are full are of whole batches, since a partial batch comes last.
    """
    batches = run.batches_per_epoch
    groups, left_over = divmod(batches, run.accumulate)
    in_epoch = batches * run.batch if run.drop_last else run.examples
    left_examples = in_epoch - groups * run.effective_batch if left_over else 0
    if not groups:
        unused = run.epochs * in_epoch
    else:
        unused = left_examples
    return Looped(
        batches_per_epoch=batches,
        last_batch=run.last_batch,
        batches=run.epochs * batches,
        updates_per_epoch=groups,
        updates=run.epochs * groups,
        left_over=left_over,
        update_sizes=MappingProxyType(_update_sizes(run, groups, left_examples, in_epoch)),
        examples_seen=run.epochs * in_epoch,
        unused=unused,
    )


def _update_sizes(run: Run, groups: int, left_examples: int, in_epoch: int) -> dict[int, int]:
    """How many updates are of how many examples, full groups first."""
    full = run.effective_batch
    sizes: dict[int, int] = {}
    if not groups:
        return sizes
    if left_examples:
        carried = run.epochs - 1  # every epoch but the first begins with what the last one left
        odd = {full + left_examples: carried}
    else:
        # The last group holds the last batch, which may be partial.
        odd = {full - (groups * full - in_epoch): run.epochs}
    sizes[full] = run.epochs * groups - sum(odd.values())
    for size, count in odd.items():
        sizes[size] = sizes.get(size, 0) + count
    return {size: count for size, count in sizes.items() if count}


def _ceil(number: int, divisor: int) -> int:
    """The quotient, rounded up; exact for numbers of any size, as ``math.ceil(a / b)`` is not."""
    return -(-number // divisor)
