"""Populations of block values whose median is known: what the intervals are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats: TypeAlias = NDArray[np.float64]
Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], Floats]


@dataclass(frozen=True)
class Population:
    """A distribution of block values.

    A discrete distribution can have a whole interval of medians (25 fair coins: every number from
    12/25 to 13/25 has half the probability on either side). Any of them is a right answer, so an
    interval must cover each, and a region holds the truth if it holds one.

    Attributes:
        name: as the calibration's table shows it.
        draw: values of a given shape from a generator.
        medians: the least and the greatest population median.
        scale: a typical distance between two values, the unit of margins.
    """

    name: str
    draw: Draw
    medians: tuple[float, float]
    scale: float


def _continuous(name: str, draw: Draw, median: float, scale: float) -> Population:
    return Population(name, draw, (median, median), scale)


def bernoulli_means(count: int, share: float) -> Population:
    """The mean of ``count`` zeros and ones, for instance an accuracy over ``count`` rows."""
    law = stats.binom(count, share)
    least = int(law.ppf(0.5))
    # Where P(X <= least) is exactly 1/2, everything up to the next value is a median as well.
    greatest = least + 1 if np.isclose(law.cdf(least), 0.5, rtol=0, atol=1e-12) else least
    return Population(
        f"mean of {count} Bernoulli({share:g})",
        lambda rng, shape: rng.binomial(count, share, shape) / count,
        (least / count, greatest / count),
        float(law.std()) / count,
    )


DISCRETE = (bernoulli_means(50, 0.9), bernoulli_means(200, 0.97), bernoulli_means(25, 0.5))

#: For values, differences and ratios, which can be any number.
ANY_SIGN = (
    _continuous("normal", lambda rng, shape: rng.normal(1.0, 0.2, shape), 1.0, 0.2),
    _continuous("t, 3 df", lambda rng, shape: 1 + 0.2 * rng.standard_t(3, shape), 1.0, 0.2),
    _continuous("lognormal", lambda rng, shape: rng.lognormal(0.0, 1.0, shape), 1.0, 1.0),
    *DISCRETE,
)

#: For spreads, which are 0 or more: the same shapes, folded where they would be negative.
NOT_NEGATIVE = (
    _continuous(
        "normal",
        lambda rng, shape: np.abs(rng.standard_normal(shape)),
        float(stats.norm.ppf(0.75)),
        1.0,
    ),
    _continuous(
        "t, 3 df",
        lambda rng, shape: np.abs(rng.standard_t(3, shape)),
        float(stats.t.ppf(0.75, 3)),
        1.0,
    ),
    _continuous("lognormal", lambda rng, shape: rng.lognormal(0.0, 1.0, shape), 1.0, 1.0),
    *DISCRETE,
)
