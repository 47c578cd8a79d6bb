"""Is only the current batch in memory at any step?

A loop over 1,000 examples in batches of 64 holds weak references to every batch and counts, each
time a new one arrives, how many are alive. In a plain loop the last batch is still bound to the
loop's variables while the next is made. Batches can also be deleted after use, or be moved to
another device, where those are counted; on a machine without a GPU that is torch's meta device,
whose tensors live and die like others. Workers load ahead: how many batches they have fetched when
the first one is used is counted in the dataset itself.

The verdict speaks for torch's DataLoader with its default of two batches ahead for each worker.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import TYPE_CHECKING, Any

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
    Value,
    equals,
)
from harness.libraries import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, UntypedStorage

EXAMPLES, BATCH, WIDTH = 1000, 64, 20
#: Seconds without another fetch after which the workers count as having loaded all they will.
QUIET = 0.25

PLAIN, DELETED, MOVED = LOOPS = ("plain", "deleted after use", "moved to another device")
LOOP = Factor("loop", LOOPS)
WORKERS = Factor("workers", (0, 1, 2))

CLAIMS = (
    Claim(
        "C0.14",
        Value("alive").always(),
        equals(1.0),
        reading="Never more than one batch alive at a time, on the device where it is used.",
    ),
    Claim(
        "C0.14",
        Value("fetched").at(loop=PLAIN).always(),
        equals(1.0),
        reading="When the first batch is used, no other has been fetched from the data set.",
    ),
    Control(
        "the last batch has the 40 examples left over",
        Value("last_batch").at(loop=PLAIN, workers=0).always(),
        equals(EXAMPLES % BATCH),
    ),
)


class Counted:
    """A data set of random rows that counts, for each worker, how often it is asked for one."""

    def __init__(self) -> None:
        # A place for each worker, in memory they share: none counts in another's.
        self.asked = torch.zeros(1 + max(WORKERS.levels), dtype=torch.long).share_memory_()
        self.rows = torch.rand(EXAMPLES, WIDTH)

    def __len__(self) -> int:
        return EXAMPLES

    def __getitem__(self, index: int) -> Tensor:
        worker = torch.utils.data.get_worker_info()
        self.asked[0 if worker is None else 1 + worker.id] += 1
        return self.rows[index]

    def batches_asked_for(self) -> float:
        """How many batches' worth of rows, once no more are asked for."""
        before = -1
        while before != int(self.asked.sum()):
            before = int(self.asked.sum())
            time.sleep(QUIET)
        return before / BATCH


class Living:
    """Weak references to the storages of batches on one device, and the most alive at a time."""

    def __init__(self, device: str) -> None:
        self.device, self.most = device, 0
        self.references: list[weakref.ref[UntypedStorage]] = []

    def add(self, batch: Tensor) -> None:
        """Count a batch that has just come to be, with those that are still there."""
        if batch.device.type != self.device:
            return
        self.references.append(weakref.ref(batch.untyped_storage()))
        self.most = max(self.most, len({id(r()) for r in self.references if r() is not None}))


class Watched:
    """Iterates over a loader and shows every batch to ``Living`` when it arrives."""

    def __init__(self, loader: Iterable[Tensor], living: Living) -> None:
        self.batches, self.living = iter(loader), living

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        batch: Tensor = next(self.batches)
        self.living.add(batch)
        return batch


def measure(block: Block, arm: Arm) -> Responses:
    """Go through the data set once."""
    data = Counted()
    loader = load(data, workers=arm[WORKERS])
    elsewhere = "meta" if block.device == "cpu" else block.device
    living = Living(elsewhere if arm[LOOP] == MOVED else "cpu")
    fetched, rows = 0.0, 0
    arriving = Watched(loader, living)
    for batch in arriving:
        if not fetched and arm[LOOP] == PLAIN:  # the same whatever is done with a batch
            fetched = data.batches_asked_for()
        if arm[LOOP] == MOVED:
            batch = batch.to(elsewhere)  # noqa: PLW2901 - as the loops in question do
            living.add(batch)
        rows = len(batch)
        if arm[LOOP] == DELETED:
            del batch
    return {
        "alive": float(living.most),
        "fetched": fetched or math.nan,
        "last_batch": float(rows),
    }


def load(data: Any, workers: int) -> Iterable[Tensor]:  # noqa: ANN401 - torch asks for its own class
    """The data in batches, in order."""
    return torch.utils.data.DataLoader(data, batch_size=BATCH, num_workers=workers)


EXPERIMENT = Experiment(
    question="Is only the current batch in memory at any step?",
    factors=(LOOP, WORKERS),
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("alive", "batches", "alive"),
        Response("fetched", "batches", "fetched"),
        Response("last_batch", "examples", "last batch"),
    ),
    claims=CLAIMS,
)
