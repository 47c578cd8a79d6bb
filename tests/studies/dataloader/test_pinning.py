"""Buffers are counted by where they lie."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader import pinning
from studies.dataloader.pinning import BATCHES, measure


def arm(*, pin: bool) -> Arm:
    return Arm((("pin", pin), ("workers", 0)))


def test_batches_that_are_kept_lie_in_buffers_of_their_own() -> None:
    assert measure(Block(0, 1, 2), arm(pin=False)) == {"pinned": 0, "buffers": BATCHES}


def test_a_loader_with_one_buffer_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = torch.zeros(16, 4)

    def one_buffer(rows: torch.Tensor, **_: object) -> list[torch.Tensor]:
        return [buffer[:8], buffer[8:], buffer]

    monkeypatch.setattr(pinning, "make_loader", one_buffer)
    assert measure(Block(0, 1, 2), arm(pin=True))["buffers"] == 1


@pytest.mark.cuda
def test_on_a_gpu_batches_are_pinned() -> None:
    assert measure(Block(0, 1, 2, "cuda"), arm(pin=True))["pinned"] == 1
