"""What is read of a trace, with schedules whose rates are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.step_anatomy import cosine
from studies.step_anatomy.rates import MakeScheduler


def found(
    monkeypatch: pytest.MonkeyPatch,
    share: Callable[[int, int], float],
    over: str = "the training",
    length: int = 10,
) -> dict[str, Any]:
    def schedule(steps: int) -> MakeScheduler:
        return lambda optimiser: torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: float(share(step, steps))
        )

    monkeypatch.setattr(cosine, "cosine", schedule)
    arm = Arm((("length", length), ("rate", 0.01), ("over", over)))
    return dict(cosine.measure(Block(0, 1, 1), arm))


def test_a_straight_line_to_zero_starts_at_the_rate_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = found(monkeypatch, lambda step, steps: 1 - step / steps)
    assert read["start_off"] == 0
    assert read["left"] == 0
    assert read["last_used"] == pytest.approx(0.1)
    assert read["rises"] == 0


def test_a_schedule_that_rises_is_seen_to_do_so(monkeypatch: pytest.MonkeyPatch) -> None:
    read = found(monkeypatch, lambda step, steps: 0.5 + step / steps)
    assert read["start_off"] == 0.5
    assert read["left"] == pytest.approx(1.5)
    assert read["rises"] == 10


@pytest.mark.parametrize(("over", "left"), [("half of it", 2.0), ("twice as much", 0.5)])
def test_the_schedule_is_as_long_as_the_arm_says(
    over: str, left: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(monkeypatch, lambda step, steps: step / steps, over)["left"] == left
