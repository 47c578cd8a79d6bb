"""Does the device's memory hold one batch of examples at a time?

A training loop over 1,000 examples in batches of 64 moves each batch to the device, passes it
forward and backward and steps. Weak references tell, in the middle of each step, how many batches
are alive on that device; on a machine without a GPU it is torch's meta device, whose tensors live
and die like others. The batches are those of torch's DataLoader, with none, one or two workers. A
loop that keeps its batches shows that they would be seen.

The passage speaks of the device. What the host holds is shown beside it: how many batches are alive
there while another arrives, and how many the workers, which load two ahead, have fetched when the
first is used, counted in the data set itself.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
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
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, UntypedStorage

EXAMPLES, BATCH, WIDTH, CLASSES = 1000, 64, 20, 2
BATCHES = math.ceil(EXAMPLES / BATCH)
#: Seconds without another fetch after which the workers count as having loaded all they will.
QUIET = 0.25

TRAINED, KEPT, PLAIN, DELETED = LOOPS = (
    "training steps",
    "a loop that keeps its batches",
    "batches used on the host",
    "batches deleted after use on the host",
)
LOOP = Factor("loop", LOOPS, words={TRAINED: ""})
WORKERS = Factor("workers", (0, 1, 2), words={0: "no workers", 1: "one worker", 2: "two workers"})

HOST = "the host's memory; the passage speaks of the GPU's"

CLAIMS = (
    Claim(
        "C0.14",
        Value("alive").at(loop=TRAINED).always(),
        equals(1.0),
        reading="At each step of a plain training loop, one batch of examples is alive on the "
        "device, never more.",
        headline={"workers": 0},
    ),
    Beyond("C0.14", Value("alive").at(loop=(PLAIN, DELETED)).always(), equals(1.0), why=HOST),
    Beyond("C0.14", Value("fetched").at(loop=PLAIN).always(), equals(1.0), why=HOST),
    Control(
        "batches that are kept are counted",
        Value("alive").at(loop=KEPT).always(),
        equals(float(BATCHES)),
    ),
    Control(
        "the last batch has the 40 examples left over",
        Value("last_batch").at(loop=TRAINED).always(),
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
        """Know a batch that has just come to be."""
        if batch.device.type == self.device:
            self.references.append(weakref.ref(batch.untyped_storage()))

    def count(self) -> None:
        """Count the batches that are still there."""
        self.most = max(self.most, len({id(r()) for r in self.references if r() is not None}))


class Watched:
    """Iterates over a loader and counts, as every batch arrives, those that are alive."""

    def __init__(self, loader: Iterable[Tensor], living: Living) -> None:
        self.batches, self.living = iter(loader), living

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        batch: Tensor = next(self.batches)
        self.living.add(batch)
        self.living.count()
        return batch


def measure(block: Block, arm: Arm) -> Responses:
    """Go through the data set once."""
    loop, workers = arm[LOOP], arm[WORKERS]
    if loop in (TRAINED, KEPT):
        device = "meta" if block.device == "cpu" else block.device
        return train(load(Counted(), workers), device, keep=loop == KEPT)
    return use_on_host(Counted(), workers, delete=loop == DELETED)


def train(loader: Iterable[Tensor], device: str, *, keep: bool) -> Responses:
    """Train on every batch, on the device, and count the batches there in the middle of a step."""
    living, kept, rows = Living(device), [], 0
    model = nn.Linear(WIDTH, CLASSES, device=device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch in loader:
        batch = batch.to(device)  # noqa: PLW2901 - as the loops in question do
        living.add(batch)
        labels = torch.zeros(len(batch), dtype=torch.long, device=device)
        optimiser.zero_grad()
        loss = functional.cross_entropy(model(batch), labels)
        living.count()
        loss.backward()
        optimiser.step()
        rows = len(batch)
        if keep:
            kept.append(batch)
    return {"alive": float(living.most), "fetched": math.nan, "last_batch": float(rows)}


def use_on_host(data: Counted, workers: int, *, delete: bool) -> Responses:
    """Do nothing with the batches, and count them as each arrives."""
    living, fetched, rows = Living("cpu"), 0.0, 0
    for batch in Watched(load(data, workers), living):
        if not fetched and not delete:  # the same whatever is done with a batch
            fetched = data.batches_asked_for()
        rows = len(batch)
        if delete:
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
    question="Does the device's memory hold one batch of examples at a time?",
    factors=(LOOP, WORKERS),
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("alive", "1", "greatest number of batches alive at one time"),
        Response("fetched", "1", "number of batches fetched when the first one is used"),
        Response("last_batch", "1", "number of examples in the last batch"),
    ),
    claims=CLAIMS,
)
