"""Gradients and steps by hand."""

from __future__ import annotations

import math

import pytest

from studies.regularisation.formulas import (
    absolutes,
    after,
    factors,
    gradient,
    moves,
    nearer,
    spread,
    squares,
    taken_off,
)


def test_a_gradient_is_that_of_the_penalty_times_its_strength() -> None:
    """Against differences: both penalties are smooth on either side of zero."""
    for penalty, by_hand in ((squares, lambda w: w * w), (absolutes, abs)):
        ends = [0.3 * by_hand(2.0 + step) for step in (-1e-6, 1e-6)]
        assert gradient(penalty, (2.0, 5.0), 0.3)[0] == pytest.approx(
            (ends[1] - ends[0]) / 2e-6, rel=1e-6
        )


def test_steps_are_those_of_sgd_with_data_up_and_down_in_turn() -> None:
    w = 2.0
    for sign in (1, -1, 1):
        w -= 0.5 * (sign * 3.0 + 0.1 * math.copysign(1, w))
    found = after((2.0,), penalty=absolutes, strength=0.1, steps=3, data=3.0, lr=0.5)
    assert found == pytest.approx([w])


def test_what_decay_takes_off_is_the_share_that_is_missing_at_the_end() -> None:
    kept = (1 - 1e-3 * 1e-2) ** 10
    assert taken_off("SGD", 0.0) == pytest.approx(1 - kept)


def test_factors_moves_and_spreads_are_read_off_before_and_after() -> None:
    before, now = (0.5, 2.0, -4.0), [0.25, 1.0, -2.0]
    assert factors(before, now) == [0.5, 0.5, 0.5]
    assert moves(before, now) == [0.25, 1.0, 2.0]
    assert spread([3.0, 1.0, 2.0]) == 2.0
    assert nearer((1e-4, 10.0), [-9e-4, 9.0]) == [False, True]
