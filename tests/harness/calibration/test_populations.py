"""Populations: the medians they state are those of what they draw."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from harness.calibration.populations import (
    ANY_SIGN,
    DISCRETE,
    NOT_NEGATIVE,
    Population,
    bernoulli_means,
)

DRAWS = 200_000
every = pytest.mark.parametrize("population", [*ANY_SIGN, *NOT_NEGATIVE], ids=lambda p: p.name)


@every
def test_half_of_the_draws_lie_on_either_side_of_every_stated_median(
    population: Population,
) -> None:
    drawn = population.draw(np.random.default_rng(0), (DRAWS,))
    for median in population.medians:
        for side in (drawn <= median, drawn >= median):
            # At least half, up to the chance of the simulation.
            assert stats.binomtest(int(side.sum()), DRAWS, alternative="less").pvalue > 1e-6


@every
def test_nothing_beyond_the_stated_medians_is_a_median(population: Population) -> None:
    drawn = population.draw(np.random.default_rng(1), (DRAWS,))
    low, high = population.medians
    step = 0.05 * population.scale
    for side in (drawn <= low - step, drawn >= high + step):
        assert stats.binomtest(int(side.sum()), DRAWS, alternative="less").pvalue < 1e-6


@every
def test_draws_come_in_the_shape_and_of_the_stream_asked_for(population: Population) -> None:
    one, other = (population.draw(np.random.default_rng(2), (4, 3)) for _ in range(2))
    assert one.shape == (4, 3)
    assert np.array_equal(one, other)
    assert population.scale > 0


@pytest.mark.parametrize("population", NOT_NEGATIVE, ids=lambda p: p.name)
def test_a_population_of_spreads_has_nothing_below_zero(population: Population) -> None:
    assert population.draw(np.random.default_rng(3), (10_000,)).min() >= 0


def test_the_shapes_are_normal_heavy_tailed_skewed_and_discrete() -> None:
    assert [p.name for p in ANY_SIGN[:3]] == ["normal", "t, 3 df", "lognormal"]
    assert ANY_SIGN[3:] == DISCRETE
    for name, law in (("normal", stats.norm(1, 0.2)), ("t, 3 df", stats.t(3, 1, 0.2))):
        (population,) = (p for p in ANY_SIGN if p.name == name)
        drawn = population.draw(np.random.default_rng(4), (20_000,))
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("count", "share"), [(50, 0.9), (200, 0.97), (25, 0.5), (3, 0.5)])
def test_the_medians_of_bernoulli_means_are_those_counted_out(count: int, share: float) -> None:
    p = Fraction(str(share))
    chances = [math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(count + 1)]
    medians = [
        k
        for k in range(count + 1)
        if sum(chances[: k + 1]) >= Fraction(1, 2) and sum(chances[k:]) >= Fraction(1, 2)
    ]
    found = bernoulli_means(count, share)
    assert found.medians == (medians[0] / count, medians[-1] / count)
    assert found.scale == pytest.approx(math.sqrt(share * (1 - share) / count))


def test_an_odd_number_of_fair_coins_has_two_medians() -> None:
    assert bernoulli_means(25, 0.5).medians == (12 / 25, 13 / 25)
