"""What is pinned beforehand, and where batches lie."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader import pinning
from studies.dataloader.pinning import BATCH_KIB, BATCHES, measure


def arm(*, pin: bool) -> Arm:
    return Arm((("pin", pin), ("workers", 0)))


class Planted:
    """A loader whose batches lie where we say, and an allocator that hands out what we say."""

    def __init__(
        self, places: list[torch.Tensor], beforehand: int, later: int, ready: int = 0
    ) -> None:
        self.ready = ready
        self.places, self.beforehand, self.later = places, beforehand, later
        self.handed_out, self.held = 1000, 5000

    def __iter__(self) -> Iterator[torch.Tensor]:
        self.handed_out += self.beforehand
        self.held += self.ready
        return self.batches()

    def batches(self) -> Iterator[torch.Tensor]:
        self.handed_out += self.later
        yield from self.places

    def stats(self) -> dict[str, int]:
        return {"active_bytes.current": self.handed_out, "allocated_bytes.current": self.held}


@pytest.mark.parametrize(("beforehand", "ready"), [(0, 0), (2**17, 0), (0, 2**18), (2**17, 2**18)])
def test_only_what_is_pinned_before_the_first_example_was_allocated_beforehand(
    beforehand: int, ready: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed out, perhaps of what was held already, or held ready: whichever is more."""
    planted = Planted([torch.zeros(2)] * BATCHES, beforehand, later=2**20, ready=ready)
    monkeypatch.setattr(pinning, "make_loader", lambda *_, **__: planted)
    monkeypatch.setattr(torch.cuda, "host_memory_stats", planted.stats)
    assert measure(Block(0, 1, 2), arm(pin=True))["beforehand"] == max(
        beforehand / 2**10, ready / 2**10
    )


def test_batches_in_one_place_are_one_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer, other = torch.zeros(16), torch.zeros(16)
    planted = Planted([buffer[:8], buffer[8:], buffer, *[other] * 5], 0, 0)
    monkeypatch.setattr(pinning, "make_loader", lambda *_, **__: planted)
    assert measure(Block(0, 1, 2), arm(pin=True))["buffers"] == 2


def test_the_edge_is_one_batch() -> None:
    rows = pinning.LateRows(pinning.BATCH)
    assert sum(rows[i].nbytes for i in range(len(rows))) == BATCH_KIB * 2**10


@pytest.mark.cuda
def test_on_a_gpu_pinned_memory_is_counted_where_it_is_handed_out() -> None:
    torch.cuda.init()
    before = pinning.pinned_kib()
    kept = torch.zeros(2**20, dtype=torch.uint8).pin_memory()
    after = pinning.pinned_kib()
    assert after[0] - before[0] >= 2**10
    assert after[1] >= after[0]
    del kept
