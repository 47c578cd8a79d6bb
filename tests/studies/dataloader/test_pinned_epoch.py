"""What an epoch is said to take, on a clock that stands still but where we let it go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from harness.store.parquet import empty_row, frame_of
from studies.dataloader import pinned_epoch
from studies.dataloader.pinned_epoch import AGAIN, BATCH, BATCHES, OFF, ON, Times, epoch


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Copied:
    """Stands for a tensor whose copy takes a while."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.asked = clock, seconds, []

    def to(self, device: str, *, non_blocking: bool) -> str:
        self.clock.now += self.seconds
        self.asked.append((device, non_blocking))
        return "on the device"

    asked: list[tuple[str, bool]]


def test_waiting_copying_and_the_whole_are_told_apart() -> None:
    clock = Clock()
    copied = Copied(clock, 0.25)

    def loader() -> Iterator[tuple[Copied, Copied]]:
        for _ in range(4):
            clock.now += 2.0
            yield copied, copied
        clock.now += 1.0  # the end of an epoch is waited for as well

    def step(x: object, y: object) -> None:
        assert (x, y) == ("on the device", "on the device")
        clock.now += 8.0

    found = epoch(loader(), step, "cpu", non_blocking=True, clock=clock)  # type: ignore[arg-type]
    assert found.waiting == pytest.approx(1000 * (4 * 2 + 1) / 4)
    assert found.copying == pytest.approx(1000 * 4 * 2 * 0.25 / 4)
    assert found.total == pytest.approx(1000 * (4 * (2 + 0.5 + 8) + 1) / 4)
    assert copied.asked == [("cpu", True)] * 8


def test_every_arm_has_a_time_for_each_round_and_none_of_the_warm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, bool, bool]] = []

    def timed(loader: torch.utils.data.DataLoader[Tensor], *_: object, non_blocking: bool) -> Times:
        seen.append((loader.num_workers, loader.pin_memory, non_blocking))
        return Times(len(seen), 0.0, 0.0)

    monkeypatch.setattr(pinned_epoch, "epoch", timed)
    monkeypatch.setattr(pinned_epoch, "SIDE", 8)
    times = pinned_epoch.prepare(Block(0, 1, 2, "cpu", effort=3))
    arms = pinned_epoch.EXPERIMENT.arms()
    assert len(seen) == 4 * len(arms)
    found: list[Any] = [pinned_epoch.measure(times, arm)["waiting"] for arm in arms]
    assert sorted(np.ravel(found)) == list(range(len(arms) + 1, 4 * len(arms) + 1))
    assert sum(pins for _, pins, _ in seen) == len(seen) / 3
    assert {workers for workers, *_ in seen} == {0, 2}


def test_an_epoch_has_its_batches() -> None:
    images = pinned_epoch.Images(torch.zeros(2, 1), torch.zeros(2))
    assert len(images) == BATCH * BATCHES
    assert images[3][0].shape == (1,)


def test_the_title_tells_what_pinning_takes_off_an_epoch() -> None:
    total = {OFF: 10.0, AGAIN: 10.0, ON: 8.0}
    rows = [
        empty_row()
        | arm.as_dict()
        | {"block": block, "seed": 0, "order": 0, "round": number, "response": response}
        | {"unit": "ms", "value": share * total[level(arm)] * (1 + block + number)}
        for block in range(10)
        for arm in pinned_epoch.EXPERIMENT.arms()
        for response, share in (("waiting", 0.5), ("copying", 0.25), ("total", 1.0))
        for number in range(3)
    ]
    with slide_style():
        figure = pinned_epoch.where_the_time_goes(
            frame_of(rows, pinned_epoch.EXPERIMENT.all_factors())
        )
    assert "pinning takes 20.0 % (99 % interval 20.0 to 20.0)\noff" in figure.axes[0].get_title()


def level(arm: Arm) -> str:
    return str(arm.as_dict()["pin"])
