"""Format and batching are told apart from content."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader.separation import BATCHINGS, Cell, measure, prepare


@pytest.fixture(scope="module")
def cell() -> Cell:
    return prepare(Block(0, 5, 6))


def seen(cell: Cell, **levels: str) -> dict[str, Any]:
    named = {"dataset": "memory", "batching": "20 shuffled", "net": "plain"} | levels
    torch.manual_seed(5)
    return dict(measure(cell, Arm(tuple(named.items()))))


def test_files_hold_what_lies_in_memory(cell: Cell) -> None:
    for index in (0, 31, 64):
        from_memory, from_files = (cell.datasets[name][index] for name in ("memory", "files"))
        assert torch.equal(from_memory[0], from_files[0])
        assert from_memory[0].max() > 8
        assert from_memory[1] == from_files[1]


def test_a_pixel_one_level_brighter_shows_in_the_weights(cell: Cell) -> None:
    assert seen(cell, dataset="files")["weight_gap"] == 0
    assert seen(cell, dataset="brighter files")["weight_gap"] > 0


def test_batch_norm_cannot_train_on_a_last_batch_of_one(cell: Cell) -> None:
    trained = {b: seen(cell, batching=b, net="batch norm")["trained"] for b in BATCHINGS}
    assert trained == {
        "16 in order": 0,
        "16 shuffled": 0,
        "20 shuffled": 1,
        "16, last dropped": 1,
        "all at once": 1,
    }


def test_training_that_misses_examples_would_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BATCHINGS, "20 shuffled", {"batch_size": 20, "sampler": range(64)})
    assert seen(cell)["trained"] == 0
