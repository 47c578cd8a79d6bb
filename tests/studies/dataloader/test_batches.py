"""What is seen of a batch, held to batches made by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader import batches
from studies.dataloader.batches import EXPERIMENT, Example, measure


def seen(**levels: str | int | bool) -> dict[str, Any]:
    named: dict[str, str | int | bool] = {
        "example": "tuple",
        "examples": 100,
        "read": "by the loop",
        "drop_last": False,
    }
    return dict(measure(Block(0, 1, 2), Arm(tuple((named | levels).items()))))


def plant(monkeypatch: pytest.MonkeyPatch, *found: object) -> None:
    """Let the loader deliver these batches."""
    monkeypatch.setattr(batches, "make_loader", lambda *_, **__: list(found))


def pair(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(rows, 5), torch.zeros(rows)


@pytest.mark.parametrize(
    ("batch", "is_tuple", "unpacks"),
    [
        (pair(32), 1, 1),
        (list(pair(32)), 0, 1),
        (Example(pair(32)[0], pair(32)[1]), 1, 1),  # type: ignore[arg-type]
        (dict(zip(("inputs", "targets"), pair(32), strict=True)), 0, 0),
    ],
)
def test_the_type_is_told_from_what_unpacks(
    batch: object, is_tuple: float, unpacks: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, batch)
    found = seen()
    assert (found["is_tuple"], found["unpacks"]) == (is_tuple, unpacks)


def test_one_batch_of_another_type_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, pair(32), list(pair(32)))
    assert seen()["is_tuple"] == 0


def test_batches_of_another_size_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, pair(32), pair(31), pair(32), pair(4))
    assert seen()["odd_batches"] == 2


def test_the_last_batch_does_not_count_for_the_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, pair(32), pair(32), pair(32), pair(4))
    assert seen()["full_shape_gap"] == 0
    column = (torch.zeros(32, 5), torch.zeros(32, 1))
    plant(monkeypatch, column, pair(32), column, pair(4))
    assert seen()["full_shape_gap"] == 2


@pytest.mark.parametrize("read", ["by the loop", "by 2 workers", "as a stream"])
def test_every_way_of_reading_asks_for_the_same_examples(
    read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def listened(dataset: Any, **settings: int) -> list[object]:  # noqa: ANN401 - of either style
        assert settings["num_workers"] == (2 if read == "by 2 workers" else 0)
        stream = isinstance(dataset, torch.utils.data.IterableDataset)
        found = [*dataset] if stream else [dataset[i] for i in range(len(dataset))]
        asked.extend(target for _, target in found)
        return [pair(32)]

    monkeypatch.setattr(batches, "make_loader", listened)
    seen(read=read)
    assert asked == list(range(100))


def test_pairs_are_looked_at_in_every_way() -> None:
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    assert len([arm for arm in arms if arm["example"] == "tuple"]) == 12
    assert len(arms) == 15
