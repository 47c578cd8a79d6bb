"""Coverage by simulation, held against what can be calculated exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.calibration import coverage
from harness.calibration.checks import Check
from harness.calibration.coverage import check_frequency, check_median, check_universal
from harness.calibration.populations import ANY_SIGN, NOT_NEGATIVE
from harness.calibration.simulate import Kind
from harness.errors import HarnessError
from harness.judging.intervals import Interval, frequency_interval

SIMULATIONS = 2000


def plausible(rate: float, expected: float, simulations: int = SIMULATIONS) -> bool:
    return stats.binomtest(round(rate * simulations), simulations, expected).pvalue > 1e-4


def rate_of(checks: list[Check], quantity: str, region: str = "") -> float:
    (found,) = (c.rate for c in checks if (c.quantity, c.region) == (quantity, region))
    return found


@pytest.mark.parametrize("kind", ["value", "difference", "ratio", "spread"])
@pytest.mark.parametrize(("blocks", "rank"), [(8, 1), (12, 2), (20, 4)])
def test_continuous_block_values_are_covered_as_often_as_the_binomial_says(
    kind: Kind, blocks: int, rank: int
) -> None:
    population = (NOT_NEGATIVE if kind == "spread" else ANY_SIGN)[2]
    checks = check_median(kind, population, blocks, SIMULATIONS, seed=0)
    missed = stats.binom.cdf(rank - 1, blocks, 0.5)
    assert plausible(rate_of(checks, "covered"), 1 - 2 * missed)
    assert plausible(rate_of(checks, "reproduced though false", "at_least"), missed)
    assert plausible(rate_of(checks, "refuted though true", "equals"), 2 * missed)
    assert all(check.met for check in checks)


def test_coin_means_are_covered_as_often_as_counted_out() -> None:
    # 8 blocks: the interval holds 12/25 unless all values lie above it, or all below.
    coins = ANY_SIGN[-1]
    assert coins.medians == (12 / 25, 13 / 25)
    below = stats.binom.cdf(11, 25, 0.5)
    expected = 1 - below**8 - (1 - stats.binom.cdf(12, 25, 0.5)) ** 8
    checks = check_median("value", coins, 8, SIMULATIONS, seed=1)
    assert plausible(rate_of(checks, "covered"), expected)


@pytest.mark.parametrize(("share", "blocks"), [(0.1, 8), (0.5, 20), (0.9, 12)])
def test_frequencies_are_covered_as_often_as_counted_out(share: float, blocks: int) -> None:
    ends = [frequency_interval(np.repeat([1.0, 0.0], [k, blocks - k])) for k in range(blocks + 1)]
    held = [end.low <= share <= end.high for end in ends]
    expected = stats.binom.pmf(np.arange(blocks + 1), blocks, share)[held].sum()
    checks = check_frequency(share, blocks, SIMULATIONS, seed=0)
    assert plausible(rate_of(checks, "covered"), expected)
    assert all(check.met for check in checks)


@pytest.mark.parametrize(("share", "values"), [(0.01, 20), (0.1, 8), (0.5, 3)])
def test_a_violation_is_overlooked_as_often_as_the_closed_form_says(
    share: float, values: int
) -> None:
    (check,) = check_universal(share, values, SIMULATIONS, seed=0)
    assert check.limit == pytest.approx((1 - share) ** values)
    assert plausible(check.rate, check.limit)
    assert check.met


@pytest.mark.parametrize("kind", ["value", "spread"])
def test_seven_blocks_decide_nothing(kind: Kind) -> None:
    population = (NOT_NEGATIVE if kind == "spread" else ANY_SIGN)[1]
    (check,) = check_median(kind, population, 7, 200, seed=0)
    assert (check.quantity, check.rate) == ("decided", 0.0)


def test_an_interval_that_covers_too_seldom_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_short(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
        ordered = np.sort(values)
        return Interval(float(np.median(values)), float(ordered[3]), float(ordered[-4]))

    monkeypatch.setattr(coverage, "median_interval", too_short)
    monkeypatch.setattr(coverage, "_compare", lambda interval, effect: None)
    checks = check_median("value", ANY_SIGN[0], 12, SIMULATIONS, seed=0)
    assert plausible(rate_of(checks, "covered"), 1 - 2 * stats.binom.cdf(3, 12, 0.5))
    missed = {(check.quantity, check.region) for check in checks if not check.met}
    assert ("covered", "") in missed
    assert ("reproduced though false", "at_least") in missed
    assert ("refuted though true", "equals") in missed


def test_an_interval_other_than_the_judge_s_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "median_interval", lambda values: Interval(0.0, -1.0, 1.0))
    with pytest.raises(HarnessError, match="is not the calibrated one"):
        check_median("value", ANY_SIGN[0], 8, 10, seed=0)


def test_the_same_seed_gives_the_same_checks_and_another_seed_others() -> None:
    one, again, other = (check_median("ratio", ANY_SIGN[0], 8, 500, s) for s in (0, 0, 1))
    assert one == again
    assert one != other


def test_the_number_simulated_at_once_does_not_limit_the_number_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coverage, "AT_ONCE", 64)
    checks = check_median("value", ANY_SIGN[0], 8, 150, seed=0)
    assert {check.simulations for check in checks} == {150}
