"""Rates that are one early, and schedules by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from studies.step_anatomy.listing import RATE
from studies.step_anatomy.scheduler_order import (
    BY_HAND,
    EXPERIMENT,
    FROM_ZERO,
    LINEAR,
    change,
    close,
    rates_used,
)
from tests.studies.step_anatomy.rows import drawn, planted


def test_lists_are_close_only_where_every_rate_is() -> None:
    assert close([0.01, 0.02], [0.01, 0.02])
    assert not close([0.01, 0.02], [0.01, 0.0200001])


@pytest.mark.parametrize(
    ("meant", "used", "share"), [(0.0, 0.001, 1.0), (0.01, 0.005, 0.5), (0.0, 0.0, 0.0)]
)
def test_a_change_is_relative_to_the_larger_rate(meant: float, used: float, share: float) -> None:
    assert change(meant, used) == share


def test_warm_ups_by_hand_begin_and_end_where_they_should() -> None:
    assert BY_HAND[LINEAR](0) == pytest.approx(RATE / 3)
    assert BY_HAND[LINEAR](5) == BY_HAND[LINEAR](50) == pytest.approx(RATE)
    assert BY_HAND[FROM_ZERO](0) == 0
    assert BY_HAND[FROM_ZERO](5) == pytest.approx(RATE / 2)


def test_the_title_counts_schedulers_from_the_rows() -> None:
    def value(levels: dict[str, Any], response: str, _: int) -> float:
        if response == "one_early":
            return float(levels["scheduler"] == LINEAR)
        return 0.25

    title = drawn(rates_used, planted(EXPERIMENT, value, blocks=1, rounds=3))
    assert "1 of 4 schedulers" in title
    assert "25 % in a warm-up from 0" in title


def test_cells_that_failed_are_no_obstacle() -> None:
    assert drawn(rates_used, planted(EXPERIMENT, lambda *_: math.nan, blocks=1))
