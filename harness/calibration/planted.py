"""Planted truths: what intervals and verdicts make of an experiment whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.calibration.checks import Check, Quantity
from harness.design.contrasts import Across
from harness.design.regions import Region, at_least, at_most, between, equals
from harness.judging.effects import Effect
from harness.judging.intervals import Interval
from harness.judging.verdicts import Verdict, judge_condition

LEAST_COVERAGE = 0.985
MOST_WRONG = 0.01
#: A rate of wrong verdicts is an estimate: it fails where it is above its limit by more than this
#: many of its standard errors. Coverage is held against its limit as it stands.
ALLOWANCE = 3.0
#: Rounding of (control + difference) - control, far below what is planted.
TOLERANCE = 1e-9
#: How far from an edge the truth is planted, and how wide a wide region is, both in the scale of
#: the block values. The closer to the edge, the likelier a wrong verdict.
JUST, WIDE = 1e-4, 10.0


@dataclass(frozen=True)
class Truth:
    """What an interval is held against.

    Attributes:
        interval: the kind of interval, with what it is taken of.
        distribution: of the block values.
        blocks: how many blocks an experiment has.
        low: the least true value; a discrete distribution can have several medians.
        high: the greatest true value.
        scale: a typical distance between block values.
        across: how block values are put together.
    """

    interval: str
    distribution: str
    blocks: int
    low: float
    high: float
    scale: float
    across: Across = "median"

    def regions(self) -> list[tuple[str, bool, Region]]:
        """A region of each kind with the truth just outside (False) and just inside (True)."""
        low, high = self.low, self.high
        near, far, half = JUST * self.scale, WIDE * self.scale, self.scale / 2
        return [
            ("at_least", False, at_least(high + near)),
            ("at_most", False, at_most(low - near)),
            ("between", False, between(high + near, high + far)),
            ("equals", False, equals(low - near - half, within=half)),
            ("at_least", True, at_least(high - near)),
            ("at_most", True, at_most(low + near)),
            ("between", True, between(high - near, high + far)),
            # As narrow as can be: an interval may miss it on either side.
            ("equals", True, equals(low, within=near)),
        ]

    def check(
        self, quantity: Quantity, region: str, rate: float, limit: float, simulations: int
    ) -> Check:
        """A rate and whether it keeps its limit: a least one for coverage, else a greatest one."""
        allowance = ALLOWANCE * math.sqrt(rate * (1 - rate) / simulations)
        return Check(
            interval=self.interval,
            distribution=self.distribution,
            blocks=self.blocks,
            quantity=quantity,
            region=region,
            simulations=simulations,
            rate=rate,
            limit=limit,
            met=rate >= limit if quantity == "covered" else rate - allowance <= limit,
        )


def hold(truth: Truth, counts: Mapping[Interval, int]) -> list[Check]:
    """Hold simulated intervals against the truth.

    Args:
        truth: what was planted.
        counts: the intervals, and in how many experiments each came out.

    Returns:
        The coverage and, for each kind of region, the rate of either wrong verdict. Where there
        are too few blocks for a finite interval: how often a verdict was given all the same.
    """
    total = sum(counts.values())
    seen = [(Effect(i.estimate, i.low, i.high, truth.blocks), n) for i, n in counts.items()]
    if any(math.isinf(effect.low) or math.isinf(effect.high) for effect, _ in seen):
        decided = max(
            _judged(truth, seen, region, ("reproduced", "refuted"))
            for _, _, region in truth.regions()
        )
        return [truth.check("decided", "any", decided / total, 0.0, total)]
    covered = min(_holding(value, seen) for value in (truth.low, truth.high))
    checks = [truth.check("covered", "", covered / total, LEAST_COVERAGE, total)]
    for kind, true, region in truth.regions():
        quantity: Quantity = "refuted though true" if true else "reproduced though false"
        wrong = _judged(truth, seen, region, ("refuted" if true else "reproduced",))
        checks.append(truth.check(quantity, kind, wrong / total, MOST_WRONG, total))
    return checks


def _holding(value: float, seen: Sequence[tuple[Effect, int]]) -> int:
    """How many experiments have an interval that holds the value."""
    low, high = value - TOLERANCE, value + TOLERANCE
    return sum(count for effect, count in seen if effect.low <= high and low <= effect.high)


def _judged(
    truth: Truth, seen: Sequence[tuple[Effect, int]], region: Region, verdicts: Sequence[Verdict]
) -> int:
    """How many experiments get one of the verdicts."""
    return sum(
        count
        for effect, count in seen
        if judge_condition(effect, region, truth.across).verdict in verdicts
    )
