"""Intervals, held against scipy's own and against the binomial distribution counted out."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from harness.judging.intervals import (
    frequency_interval,
    median_interval,
    narrowing,
    observed_range,
    signed_rank_interval,
)

finite = st.floats(-1e9, 1e9)
samples = st.lists(finite, min_size=1, max_size=40).map(np.array)


def coverage(count: int, rank: int) -> Fraction:
    """P(k-th smallest <= median <= k-th largest) for continuous values, counted out."""
    return Fraction(sum(math.comb(count, k) for k in range(rank, count - rank + 1)), 2**count)


@pytest.mark.parametrize("count", range(8, 61))
def test_the_median_s_ends_are_those_of_scipy_s_quantile_test(count: int) -> None:
    values = np.random.default_rng(count).standard_t(3, count)
    test: Any = stats.quantile_test(values, p=0.5)
    expected = test.confidence_interval(confidence_level=0.99)
    found = median_interval(values)
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.estimate == np.median(values)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("count", [8, 12, 20, 31, 100, 200])
def test_the_median_s_interval_is_the_shortest_that_covers_exactly_as_often_as_stated(
    count: int, confidence: float
) -> None:
    found = median_interval(np.arange(1.0, count + 1), confidence)
    if math.isinf(found.low):
        assert coverage(count, 1) < confidence
        return
    rank = round(found.low)
    assert found.high == count + 1 - rank
    assert coverage(count, rank) >= Fraction(str(confidence))
    assert coverage(count, rank + 1) < Fraction(str(confidence))


@pytest.mark.parametrize("count", range(1, 8))
def test_below_eight_blocks_the_median_has_no_finite_interval(count: int) -> None:
    found = median_interval(np.arange(float(count)))
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.estimate == (count - 1) / 2


@given(samples, st.integers(0, 99))
def test_the_order_of_blocks_does_not_matter(values: NDArray[np.float64], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(values)
    assert median_interval(shuffled) == median_interval(values)
    assert observed_range(shuffled) == observed_range(values)


@given(samples)
def test_the_estimate_lies_in_its_interval_which_turns_with_the_sign(
    values: NDArray[np.float64],
) -> None:
    found, turned = median_interval(values), median_interval(-values)
    assert found.low <= found.estimate <= found.high
    assert (turned.low, turned.estimate, turned.high) == (-found.high, -found.estimate, -found.low)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 20, 100])
def test_the_frequency_s_ends_are_quantiles_of_beta_distributions(count: int) -> None:
    for events in range(count + 1):
        found = frequency_interval(np.repeat([1.0, 0.0], [events, count - events]))
        low = stats.beta.ppf(0.005, events, count - events + 1) if events else 0.0
        high = stats.beta.ppf(0.995, events + 1, count - events) if events < count else 1.0
        assert found.estimate == events / count
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_the_frequency_s_interval_is_that_of_the_published_table() -> None:
    # 3 of 20 at 95 %, from the tables of binomial limits.
    found = frequency_interval(np.repeat([1.0, 0.0], [3, 17]), confidence=0.95)
    assert (round(found.low, 3), round(found.high, 3)) == (0.032, 0.379)


@pytest.mark.parametrize("count", [1, 8, 20, 50])
def test_the_frequency_s_interval_covers_every_probability_as_often_as_stated(count: int) -> None:
    ends = [
        frequency_interval(np.repeat([1.0, 0.0], [events, count - events]))
        for events in range(count + 1)
    ]
    for probability in np.linspace(0, 1, 501):
        chances = stats.binom.pmf(np.arange(count + 1), count, probability)
        held = [end.low <= probability <= end.high for end in ends]
        assert chances[held].sum() >= 0.99 - 1e-9


def test_an_observed_range_is_the_median_with_the_least_and_the_greatest_value() -> None:
    found = observed_range(np.array([3.0, -1.0, 2.0, 8.0]))
    assert (found.estimate, found.low, found.high) == (2.5, -1.0, 8.0)


@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [1.0, math.inf], [[1.0, 0.0]]])
@pytest.mark.parametrize("interval", [median_interval, frequency_interval, observed_range])
def test_values_that_are_no_numbers_have_no_interval(interval: type, values: list[float]) -> None:
    with pytest.raises(ValueError, match="an interval needs"):
        interval(np.array(values))


def test_a_frequency_of_values_other_than_zero_and_one_is_refused() -> None:
    with pytest.raises(ValueError, match="zeros and ones"):
        frequency_interval(np.array([0.0, 0.5]))


@pytest.mark.parametrize("confidence", [Fraction(99, 100), Fraction(95, 100), Fraction(1, 2)])
def test_the_rank_of_the_median_s_ends_is_exact_at_its_edge(confidence: Fraction) -> None:
    """The tail of the binomial summed as fractions, where no rounding can move the edge."""
    for count in range(1, 151):
        tail, rank = Fraction(0), 0
        for below in range((count + 1) // 2):
            tail += Fraction(math.comb(count, below), 2**count)
            if 2 * tail <= 1 - confidence:
                rank = below + 1
        found = median_interval(np.arange(1.0, count + 1), float(confidence))
        low, high = (rank, count + 1 - rank) if rank else (-math.inf, math.inf)
        assert (found.low, found.high) == (low, high), count


def test_many_blocks_narrow_an_interval_by_the_root_of_their_number() -> None:
    assert math.isclose(narrowing(60, 240), 0.5, rel_tol=0.04)
    assert math.isnan(narrowing(7, 100))


def test_few_blocks_narrow_it_as_samples_do() -> None:
    random = np.random.default_rng(0)
    widths = [
        np.mean(
            [
                found.high - found.low
                for found in map(signed_rank_interval, random.standard_normal((2000, blocks)))
            ]
        )
        for blocks in (12, 24)
    ]
    assert math.isclose(narrowing(12, 24), widths[1] / widths[0], rel_tol=0.05)


@pytest.mark.parametrize("confidence", [0.9, 0.99, 0.9995])
@pytest.mark.parametrize("blocks", [8, 12, 16, 25])
def test_signed_ranks_exclude_what_wilcoxons_test_refuses(blocks: int, confidence: float) -> None:
    values = np.random.default_rng(blocks).standard_normal(blocks)
    found = signed_rank_interval(values, confidence)

    def p_value(centre: float) -> float:
        test = stats.wilcoxon(values - centre, method="exact")
        return float(test.pvalue)

    if not math.isfinite(found.low):
        assert p_value(float(values.min()) - 1) > 1 - confidence
        return
    for end, outwards in ((found.low, -1e-9), (found.high, 1e-9)):
        assert p_value(end + outwards) <= 1 - confidence
        assert p_value(end - outwards) > 1 - confidence


def test_signed_ranks_cover_the_centre_as_often_as_stated_and_more_narrowly_than_order() -> None:
    random = np.random.default_rng(1)
    samples = random.standard_t(3, (4000, 12))
    ranks = [signed_rank_interval(sample) for sample in samples]
    missed = sum(not found.low <= 0 <= found.high for found in ranks)
    assert stats.binomtest(missed, len(samples), 0.01, alternative="greater").pvalue > 1e-4
    normal = random.standard_normal((500, 12))
    widths = [
        np.mean([found.high - found.low for found in map(interval, normal)])
        for interval in (signed_rank_interval, median_interval)
    ]
    assert widths[0] < 0.85 * widths[1]


def test_one_odd_block_widens_signed_ranks_and_moves_nothing_past_the_centre() -> None:
    values = np.concatenate([np.random.default_rng(2).normal(0, 0.01, 15), [5.0]])
    found = signed_rank_interval(values)
    assert found.low < 0 < found.high
    assert abs(found.estimate) < 0.02


def test_few_blocks_give_signed_ranks_no_end() -> None:
    assert math.isinf(signed_rank_interval(np.arange(7.0)).high)
    assert math.isfinite(signed_rank_interval(np.arange(8.0)).high)
