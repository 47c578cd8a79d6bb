"""Does pin_memory allocate a transfer buffer beforehand?

A loader with ``pin_memory=True`` is made and its epoch begun; the first example of every worker
takes a while to come, so that nothing can have been collated yet. What PyTorch's allocator of
pinned memory has handed out by then, or taken from the system to have it ready, was allocated
beforehand, and a transfer buffer would be at least as large as a batch. Then the epoch is run as a
training loop runs it, every batch dropped before the next: shown beside the verdict is how many
batches are pinned, and in how many places.

Without a GPU nothing can be pinned, and the same code shows what the loader does then.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    at_least,
    equals,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

BATCHES, BATCH, WIDTH = 8, 16, 1024
BATCH_KIB = BATCH * WIDTH * 4 / 2**10
#: Longer than it takes to begin an epoch and look at the allocator.
LATE_SECONDS = 0.2

PIN = Factor("pin", (False, True), control=False, words={False: "pinning off", True: "pinning on"})
WORKERS = Factor("workers", (0, 2), words={0: "no workers", 2: "2 workers"})

CLAIMS = (
    Claim(
        "C1.10",
        Value("beforehand").at(pin=True).always(),
        at_least(BATCH_KIB),
        reading="Allocated beforehand: when the epoch has begun and no example has come yet, "
        f"pinned memory for at least one batch ({BATCH_KIB:g} KiB) has been handed out or is held "
        "ready.",
        needs="cuda",
        headline={"workers": 2},
    ),
    Beyond(
        "C1.10",
        Value("pinned").at(pin=True).always(),
        equals(1.0),
        why="that batches arrive in pinned memory, which says nothing of when it was allocated",
        reading="A transfer buffer at all: every batch arrives in pinned memory.",
        needs="cuda",
    ),
    Beyond(
        "C1.10",
        Value("buffers").at(pin=True).always(),
        equals(1.0),
        why="how many buffers there are, of which the passage says nothing",
        reading="One buffer: all batches, each dropped before the next, come in the same place.",
        needs="cuda",
    ),
    Control("by default nothing is pinned", Value("pinned").at(pin=False).always(), equals(0.0)),
)


@dataclass(frozen=True)
class LateRows:
    """Rows of zeros; the first of each of the first batches takes a while."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        if index in (0, BATCH):
            time.sleep(LATE_SECONDS)
        return torch.zeros(WIDTH)


def measure(block: Block, arm: Arm) -> Responses:
    """Begin an epoch and look what is pinned already; then run it and look where batches lie."""
    if block.device == "cuda":
        torch.cuda.init()  # before it has begun, the allocator tells nothing
    before = pinned_kib()
    loader = make_loader(
        LateRows(BATCHES * BATCH),
        batch_size=BATCH,
        pin_memory=arm[PIN],
        num_workers=arm[WORKERS],
    )
    batches = iter(loader)
    # What is held ready is not handed out; what is handed out again was held ready before.
    beforehand = max(now - then for now, then in zip(pinned_kib(), before, strict=True))
    pinned, places = 0, set()
    for batch in batches:
        pinned += batch.is_pinned()
        places.add(batch.untyped_storage().data_ptr())
        del batch
    return {
        "beforehand": beforehand,
        "pinned": pinned / BATCHES,
        "buffers": float(len(places)),
    }


def pinned_kib() -> tuple[float, float]:
    """Pinned memory that torch has handed out, and all that it holds; 0 without CUDA in use."""
    stats = torch.cuda.host_memory_stats()
    handed_out, held = (stats.get(f"{kind}_bytes.current", 0) for kind in ("active", "allocated"))
    return handed_out / 2**10, held / 2**10


EXPERIMENT = Experiment(
    question="Does pin_memory allocate a transfer buffer beforehand?",
    factors=(PIN, WORKERS),
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("beforehand", "KiB", "the pinned memory allocated before the first example"),
        Response("pinned", "1", "the share of batches that arrive in pinned memory"),
        Response("buffers", "places", "the number of places in memory where batches arrive"),
    ),
    claims=CLAIMS,
)
