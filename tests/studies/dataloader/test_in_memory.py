"""What an epoch in memory is, and what its times are held against."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
import torch

from harness.design.factors import Arm
from studies.dataloader import in_memory
from studies.dataloader.in_memory import BATCH, EXPERIMENT, start_and_epoch, task
from tests.studies.planted_times import planted_table, verdicts


def arm(epoch: str, workers: int, *, persistent: bool) -> Arm:
    return Arm((("epoch", epoch), ("workers", workers), ("persistent", persistent)))


class Counting:
    """Rows that count who was asked for them."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 3 * BATCH

    def __getitem__(self, index: int) -> torch.Tensor:
        self.asked.append(index)
        return torch.zeros(1)


@pytest.mark.parametrize(("epoch", "rows"), [("one batch", BATCH), ("whole", 3 * BATCH)])
def test_an_epoch_is_the_first_batch_or_all_of_them(epoch: str, rows: int) -> None:
    counting = Counting()
    work = task(counting, arm(epoch, 0, persistent=False))
    work()
    assert counting.asked == list(range(rows))
    work()
    assert counting.asked == 2 * list(range(rows))


def test_workers_stay_only_where_they_persist() -> None:
    counting, me = Counting(), psutil.Process()
    before = set(me.children())
    for persistent, left in ((False, 0), (True, 2)):
        work = task(counting, arm("one batch", 2, persistent=persistent))
        work()
        assert len(set(me.children()) - before) == left
        del work
        assert set(me.children()) == before


def seconds(arm: Arm, start: float, transfer: float) -> float:
    levels: dict[str, Any] = arm.as_dict()
    some = levels["workers"] > 0
    return (
        (0.001 if levels["epoch"] == "one batch" else 0.1)
        + (start if some and not levels["persistent"] else 0)
        + (transfer if some else 0)
    )


@pytest.mark.parametrize(
    ("start", "transfer", "slower", "there_already", "respawned"),
    [
        (0.05, 0.2, "reproduced", "reproduced", "refuted"),
        (0.05, 0.001, "reproduced", "refuted", "reproduced"),
        (0.0, -0.0005, "refuted", "refuted", "refuted"),
    ],
)
def test_start_and_transfer_are_told_apart(
    start: float, transfer: float, slower: str, there_already: str, respawned: str
) -> None:
    table = planted_table(EXPERIMENT, lambda arm: seconds(arm, start, transfer))
    found = verdicts(EXPERIMENT, table)
    words = {
        claim: {word for name, word in found.items() if name.startswith(claim)}
        for claim in ("C1.20", "beyond C9.08")
    }
    persistent = next(v for k, v in found.items() if "workers persist)" in k and "C1.20" in k)
    assert words == {"C1.20": {slower}, "beyond C9.08": {respawned}}
    assert persistent == there_already


def test_the_figure_tells_how_much_longer_two_workers_take() -> None:
    table = planted_table(EXPERIMENT, lambda arm: seconds(arm, 0.05, 0.15))
    title = start_and_epoch(table).get_suptitle()
    assert "3.0 times as long" in title


def test_the_module_times_nothing_by_itself() -> None:
    assert not hasattr(in_memory, "time")
