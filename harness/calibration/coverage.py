"""Coverage: each kind of interval put to simulated experiments, as the judge would call it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from scipy import stats

from harness.calibration.checks import Check
from harness.calibration.planted import Truth, hold
from harness.calibration.populations import Population
from harness.calibration.simulate import Kind, block_values, effect_from_table, simulate, stream
from harness.design.regions import at_most
from harness.errors import HarnessError
from harness.judging.effects import Effect
from harness.judging.intervals import Interval, frequency_interval, median_interval, observed_range
from harness.judging.verdicts import judge_condition

#: Experiments simulated at once, to bound the memory; the first of them also goes through a table
#: of rows, as real ones do.
AT_ONCE = 2000
#: The universal claim must pass as often as the closed form says, unless by less chance than this.
LEAST_P = 1e-4


def check_median(
    kind: Kind, population: Population, blocks: int, simulations: int, seed: int
) -> list[Check]:
    """Check the interval of the median block value, difference, ratio or spread.

    Raises:
        HarnessError: the judge's own way through a table of rows gives another interval.
    """
    rng = stream(seed, kind, population.name, blocks)
    counts: Counter[Interval] = Counter()
    for done in range(0, simulations, AT_ONCE):
        shape = (min(AT_ONCE, simulations - done), blocks)
        observations = simulate(kind, population, shape, rng)
        intervals = [median_interval(values) for values in block_values(kind, observations)]
        _compare(intervals[0], effect_from_table(kind, observations[0]))
        counts.update(intervals)
    low, high = population.medians
    truth = Truth(f"median, {kind}", population.name, blocks, low, high, population.scale)
    return hold(truth, counts)


def check_frequency(share: float, blocks: int, simulations: int, seed: int) -> list[Check]:
    """Check the interval of the share of blocks in which something happens."""
    events = stream(seed, "frequency", share, blocks).binomial(blocks, share, simulations)
    # The interval depends on the number of events alone: one call for each number that occurs.
    numbers, occurrences = np.unique(events, return_counts=True)
    counts = {
        frequency_interval(np.repeat([1.0, 0.0], [number, blocks - number])): int(count)
        for number, count in zip(numbers, occurrences, strict=True)
    }
    scale = math.sqrt(share * (1 - share))
    truth = Truth("frequency", f"Bernoulli({share:g})", blocks, share, share, scale, "frequency")
    return hold(truth, counts)


def check_universal(share: float, values: int, simulations: int, seed: int) -> list[Check]:
    """Check how often a universal claim passes though a share of all values violates it."""
    violated = stream(seed, "universal", share, values).random((simulations, values)) < share
    passed = 0
    for row in violated.astype(np.float64):
        seen = observed_range(row)
        effect = Effect(seen.estimate, seen.low, seen.high, values, values=tuple(row.tolist()))
        passed += judge_condition(effect, at_most(0.5), "every").verdict == "reproduced"
    expected = (1 - share) ** values
    return [
        Check(
            interval="observed range",
            distribution=f"violated with probability {share:g}",
            blocks=values,
            quantity="violation not seen",
            region="at_most",
            simulations=simulations,
            rate=passed / simulations,
            limit=expected,
            met=bool(stats.binomtest(passed, simulations, expected).pvalue > LEAST_P),
        )
    ]


def _compare(interval: Interval, effect: Effect) -> None:
    ends = (effect.estimate, effect.low, effect.high)
    # Sums are taken in another order there: equal to rounding, no more is asked.
    if not np.allclose(ends, (interval.estimate, interval.low, interval.high), rtol=1e-9):
        raise HarnessError(f"The judge's interval {ends} is not the calibrated one, {interval}.")
