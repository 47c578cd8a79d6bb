"""Format and batching are told apart from content."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.dataloader import separation
from studies.dataloader.loaders import make_loader
from studies.dataloader.separation import (
    BATCHINGS,
    MORE_ROWS,
    ONE_ROW,
    USUAL,
    Cell,
    measure,
    prepare,
)


@pytest.fixture(scope="module")
def cell() -> Cell:
    return prepare(Block(0, 5, 6))


def seen(cell: Cell, **levels: str) -> dict[str, Any]:
    named = {"dataset": "memory", "batching": USUAL, "net": "plain"} | levels
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


class Fussy(nn.Linear):
    """A network that refuses a batch of one row."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if len(rows) == 1:
            raise ValueError
        return super().forward(rows)


def test_training_that_stops_at_a_batch_is_told_from_one_that_runs_through(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separation, "mlp", lambda *_, **__: Fussy(64, 10))
    trained = {name for name in BATCHINGS if seen(cell, batching=name)["trained"]}
    assert trained == set(MORE_ROWS)


def test_last_batches_have_the_rows_that_their_names_say() -> None:
    last = {}
    for name, settings in BATCHINGS.items():
        last[name] = [len(batch) for batch in make_loader(range(65), **settings)][-1]
    assert {name for name, rows in last.items() if rows == 1} == set(ONE_ROW)
    assert last["20 shuffled, last of 5 rows"] == 5


def test_training_that_misses_examples_would_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BATCHINGS, USUAL, {"batch_size": 20, "sampler": range(64)})
    assert seen(cell)["trained"] == 0
