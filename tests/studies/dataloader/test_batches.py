"""What is seen of a batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader.batches import EXPERIMENT, measure


def seen(**levels: str | int | bool) -> dict[str, Any]:
    named: dict[str, str | int | bool] = {
        "example": "tuple",
        "examples": 100,
        "read": "by the loop",
        "drop_last": False,
    }
    return dict(measure(Block(0, 1, 2), Arm(tuple((named | levels).items()))))


@pytest.mark.parametrize(
    ("example", "is_tuple"), [("tuple", 0), ("list", 0), ("named tuple", 1), ("dictionary", 0)]
)
def test_only_named_tuples_come_as_tuples(example: str, is_tuple: float) -> None:
    assert seen(example=example)["is_tuple"] == is_tuple


@pytest.mark.parametrize("read", ["by the loop", "by 2 workers", "as a stream"])
def test_the_remainder_is_one_odd_batch_unless_dropped(read: str) -> None:
    assert seen(read=read)["odd_batches"] == 1
    assert seen(read=read, drop_last=True)["odd_batches"] == 0
    assert seen(read=read, examples=96)["odd_batches"] == 0


def test_the_last_batch_does_not_count_for_the_shape() -> None:
    assert seen()["full_shape_gap"] == 0


def test_targets_with_a_dimension_of_their_own_would_be_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    column = {"tuple": lambda inputs, targets: (inputs, torch.tensor([targets]))}
    monkeypatch.setattr("studies.dataloader.batches.KINDS", column)
    assert seen()["full_shape_gap"] == 3


def test_pairs_are_looked_at_in_every_way() -> None:
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    assert len([arm for arm in arms if arm["example"] == "tuple"]) == 12
    assert len(arms) == 15
