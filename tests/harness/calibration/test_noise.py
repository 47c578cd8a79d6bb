"""Noise: a piece of work against itself, on a clock whose every second is planted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.calibration.noise import Noise, measure_noise


def noise(seconds: Callable[[int], float], pairs: int = 100) -> Noise:
    """The noise of work whose call number n takes ``seconds(n)``."""
    now, calls = [0.0], [0]

    def work() -> None:
        now[0] += seconds(calls[0])
        calls[0] += 1

    found = measure_noise(work, pairs, clock=lambda: now[0])
    assert calls[0] == 2 * pairs
    return found


def test_a_steady_machine_shows_no_noise() -> None:
    found = noise(lambda call: 0.5)
    assert (found.interleaved.low, found.interleaved.high) == (1, 1)
    assert found.apart == 1
    assert found.seconds_a_call == 0.5


def test_a_machine_that_slows_down_half_way_shows_it_only_where_the_halves_are_compared() -> None:
    found = noise(lambda call: 1.0 if call < 100 else 2.0)
    assert found.interleaved.estimate == 1
    assert (found.interleaved.low, found.interleaved.high) == (1, 1)
    assert found.apart == pytest.approx(0.5)


def test_a_slow_drift_moves_neighbours_far_less_than_halves() -> None:
    found = noise(lambda call: 1.0 + call / 200)
    assert abs(found.interleaved.estimate - 1) < 0.001
    assert found.apart == pytest.approx((1 + 49.5 / 200) / (1 + 149.5 / 200))


def test_the_order_within_a_pair_alternates_so_that_it_favours_neither_side() -> None:
    """The second call of every pair takes a tenth longer."""
    found = noise(lambda call: 1.0 + 0.1 * (call % 2))
    assert found.interleaved.low == pytest.approx(1 / 1.1)
    assert found.interleaved.high == pytest.approx(1.1)
