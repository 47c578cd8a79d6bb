"""What is trained on, and which share of it is waiting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader import waiting
from studies.dataloader.waiting import EXPERIMENT, prepare, share_of_waiting, task
from tests.studies.planted_times import planted_table


@pytest.mark.parametrize("data", ["ready", "small JPEGs"])
def test_every_epoch_has_four_steps_on_four_images(
    data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Any] = []
    train = waiting.train

    def recorded(cell: waiting.Cell, batches: Iterable[Any]) -> None:
        trained.append(list(batches))
        train(cell, trained[-1])

    monkeypatch.setattr(waiting, "train", recorded)
    work = task(prepare(Block(0, 1, 2)), Arm((("data", data), ("workers", 0))))
    for _ in range(2):
        work()
        assert [len(inputs) for inputs, _ in trained[-1]] == [4] * 4


def test_waiting_is_what_takes_longer_than_a_batch_that_is_there() -> None:
    def seconds(arm: Arm) -> float:
        levels = arm.as_dict()
        if levels["data"] == "ready":
            return 1.0
        return 4.0 if levels["workers"] == 0 else 2.0

    table = planted_table(EXPERIMENT, seconds)
    (axes,) = share_of_waiting(table).axes
    assert axes.get_title().startswith("75 % of an epoch was waiting")
    assert len(axes.get_xticklabels()) == 4
