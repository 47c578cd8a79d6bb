"""Intervals that cover: exact and distribution-free, at the confidence level of the project.

Every kind here is put to simulation by ``nox -s calibrate``; the table is in ``results/``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.design.claims import CONFIDENCE


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its interval, in the unit of the values."""

    estimate: float
    low: float
    high: float


def median_interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval:
    """The sample median with the order-statistic interval of the population median.

    The interval runs from the k-th smallest to the k-th largest value, k the largest number with
    2 P(B < k) <= 1 - confidence for B binomial(n, 1/2). It covers the median of any distribution
    at least as often as stated (for discrete ones, more often). Source: Conover, Practical
    Nonparametric Statistics, 3rd ed., section 3.2; `scipy.stats.quantile_test` gives the same ends.

    Args:
        values: shape (n,), finite; one value a block.
        confidence: between 0 and 1.

    Returns:
        The interval; its ends are infinite where n is too small (below 8 blocks at 99 %).

    Raises:
        ValueError: no values, or values that are not finite.
    """
    ordered = np.sort(_finite(values))
    rank = _order_rank(len(ordered), confidence)
    low, high = (ordered[rank - 1], ordered[-rank]) if rank else (-math.inf, math.inf)
    return Interval(float(np.median(ordered)), float(low), float(high))


def signed_rank_interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval:
    """The Hodges-Lehmann estimate with the interval of Wilcoxon's signed-rank test.

    The interval runs from the k-th smallest to the k-th largest of the means of two values (each
    with itself too), k the largest number with 2 P(W < k) <= 1 - confidence for W the test's
    statistic. It covers the centre of any symmetric distribution as often as stated, and for values
    that scatter like a normal distribution it is a fifth to a quarter narrower than
    ``median_interval``. Differences of two things that are alike are symmetric whatever their own
    distribution. Source: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed.,
    sections 3.2 and 3.3; ``scipy.stats.wilcoxon`` refuses what lies outside.

    Args:
        values: shape (n,), finite; one value a block.
        confidence: between 0 and 1.

    Returns:
        The interval; its ends are infinite where n is too small (below 8 blocks at 99 %).

    Raises:
        ValueError: no values, or values that are not finite.
    """
    values = _finite(values)
    first, second = np.triu_indices(len(values))
    means = np.sort((values[first] + values[second]) / 2)
    rank = _signed_rank(len(values), confidence)
    low, high = (means[rank - 1], means[-rank]) if rank else (-math.inf, math.inf)
    return Interval(float(np.median(means)), float(low), float(high))


def narrowing(blocks: int, more: int, confidence: float = CONFIDENCE) -> float:
    """How wide a signed-rank interval would be with more blocks, over what it is with fewer.

    Both intervals are taken of the quantiles of a normal distribution.

    Args:
        blocks: as many as there are.
        more: as many as there might be.
        confidence: between 0 and 1.

    Returns:
        The ratio; NaN where the fewer blocks give no interval.
    """
    from scipy.special import ndtri

    few, many = (
        signed_rank_interval(ndtri((np.arange(count) + 0.5) / count), confidence)
        for count in (blocks, more)
    )
    return many.high / few.high if math.isfinite(few.high) else math.nan


def frequency_interval(events: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval:
    """The share of ones with the Clopper-Pearson interval.

    Args:
        events: shape (n,), zeros and ones; one value a block.
        confidence: between 0 and 1.

    Raises:
        ValueError: no values, or values other than 0 and 1.
    """
    from scipy.special import betaincinv

    events = _finite(events)
    if not np.isin(events, (0.0, 1.0)).all():
        raise ValueError("a frequency needs zeros and ones")
    count, ones, tail = len(events), int(events.sum()), (1 - confidence) / 2
    low = betaincinv(ones, count - ones + 1, tail) if ones else 0.0
    high = betaincinv(ones + 1, count - ones, 1 - tail) if ones < count else 1.0
    return Interval(float(events.mean()), float(low), float(high))


def observed_range(values: NDArray[np.float64]) -> Interval:
    """The median with the least and the greatest value: what a universal claim is judged on.

    This is no confidence interval: it says what was seen, and one value outside the region is a
    counterexample.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    values = _finite(values)
    return Interval(float(np.median(values)), float(values.min()), float(values.max()))


@lru_cache(maxsize=256)
def _order_rank(count: int, confidence: float) -> int:
    """The largest k with 2 P(B < k) <= 1 - confidence, 0 where there is none."""
    # Imported here: a process that only measures needs none of it. scipy.stats, which has the same
    # distribution, would take every command that judges a second and more to import.
    from scipy.special import bdtr

    tails = 2 * bdtr(np.arange(count // 2 + 1), count, 0.5)
    return int(np.count_nonzero(tails <= 1 - confidence))


@lru_cache(maxsize=256)
def _signed_rank(count: int, confidence: float) -> int:
    """The largest k with 2 P(W < k) <= 1 - confidence, 0 where there is none."""
    # In how many of the 2^n choices of ranks the chosen ones sum up to 0, 1, 2, ...
    ways = np.ones(1)
    for rank in range(1, count + 1):
        ways = np.append(ways, np.zeros(rank)) + np.append(np.zeros(rank), ways)
    tails = 2 * np.cumsum(ways) / 2.0**count
    return int(np.count_nonzero(tails[: len(tails) // 2] <= 1 - confidence))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError("an interval needs one value a block, and at least one block")
    if not np.isfinite(values).all():
        raise ValueError("an interval needs finite values")
    return values
