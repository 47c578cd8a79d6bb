"""What an A/A decides and what it leaves open."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from harness.judging.aa import Allowance, allowance, leaves_open, more_than_chance
from harness.judging.effects import Effect


def ratio(low: float, high: float) -> Effect:
    return Effect((low + high) / 2, low, high, 12, values=(low, high))


@pytest.mark.parametrize(
    ("effects", "factor"),
    [([], 1.0), ([(0.99, 1.02)], 1.02), ([(0.9, 1.05)], 1 / 0.9), ([(0.99, 1.02), (0.8, 1)], 1.25)],
)
def test_the_clock_may_be_off_by_as_much_as_the_widest_aa_says(
    effects: list[tuple[float, float]], factor: float
) -> None:
    assert allowance([ratio(*ends) for ends in effects]).factor == pytest.approx(factor)


def test_a_ratio_is_widened_by_the_factor_on_both_sides() -> None:
    wider = Allowance(1.25).widen(ratio(2.0, 4.0))
    assert (wider.low, wider.high, wider.estimate) == (1.6, 5.0, 3.0)


def test_what_could_not_be_judged_stays_so() -> None:
    broken = Effect(math.nan, math.nan, math.nan, 3, "1 of 4 blocks failed")
    assert Allowance(2.0).widen(broken) is broken


@pytest.mark.parametrize(
    ("effect", "is_open"),
    [
        (ratio(0.9, 1.1), True),
        (ratio(1.0, 1.1), True),
        (ratio(1.01, 1.1), False),
        (ratio(0.9, 0.99), False),
        (Effect(1.0, -math.inf, math.inf, 3), False),
        (Effect(1.0, 0.9, 1.1, 3, "2 of 5 blocks failed"), False),
    ],
)
def test_an_aa_leaves_open_what_is_about_1_and_finite(effect: Effect, is_open: bool) -> None:
    assert leaves_open(effect) is is_open


@pytest.mark.parametrize("total", [1, 2, 5, 10, 40, 100, 400])
@pytest.mark.parametrize("confidence", [0.99, 0.95])
def test_more_aas_fail_than_chance_allows_where_the_binomial_says_so(
    total: int, confidence: float
) -> None:
    for failed in range(min(total, 12) + 1):
        chance = stats.binom.sf(failed - 1, total, 1 - confidence)
        assert more_than_chance(failed, total, confidence) is bool(chance < 0.01)


def test_no_failure_is_never_too_many() -> None:
    assert not more_than_chance(0, 0, 0.99)
    assert not more_than_chance(0, 50, 0.99)
