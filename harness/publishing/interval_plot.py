"""Where an interval lies beside the region that its claim needs, in the numbers of a drawing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.design.regions import Region
from harness.judging.findings import Finding
from harness.words import YES_NO, number

#: A drawing is this wide; a scale leaves so much of it free on both sides of what is drawn.
WIDTH, MARGIN = 100.0, 0.08
#: Positive numbers that lie farther apart than this many times get a logarithmic scale.
WIDE = 50.0
#: A region of one number is drawn this wide, so that it can be seen.
THINNEST = 1.2
#: A scale has about so many numbers written below it.
TICKS = 4


@dataclass(frozen=True)
class Scale:
    """A stretch of numbers laid out over the width of a drawing, linear or logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: Sequence[float]) -> Scale:
        """A scale that shows these numbers (one or more), with room beside them."""
        least, most = min(values), max(values)
        if least > 0 and most / least > WIDE:
            room = MARGIN * math.log(most / least)
            return cls(least * math.exp(-room), most * math.exp(room), logarithmic=True)
        room = MARGIN * (most - least) or abs(most) * MARGIN or 1.0
        return cls(least - room, most + room)

    def at(self, value: float) -> float:
        """The place of a number, from 0 to ``WIDTH``; the nearest end where it lies beyond."""
        if self.logarithmic:
            share = (
                math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else 0.0
            )
        elif math.isinf(value):
            share = 0.0 if value < 0 else 1.0
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(WIDTH * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers on the scale: their places and how they are written."""
        return [(self.at(value), number(value)) for value in self._round_numbers()]

    def _round_numbers(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            every = max(1, math.ceil(len(powers) / TICKS))
            return [10.0**power for power in powers][::every] or [self.low, self.high]
        rough = (self.high - self.low) / TICKS
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * by for by in (1, 2, 5, 10) if size * by >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [count * step for count in range(first, last + 1)]


@dataclass(frozen=True)
class Drawn:
    """One condition's drawing: places of its region, its interval and its estimate.

    Attributes:
        start: where the region begins.
        width: of the region.
        low: where the interval begins.
        high: where it ends.
        estimate: where the dot lies.
        endless_low: whether the interval has no lower end.
        endless_high: whether it has no upper end.
    """

    start: float
    width: float
    low: float
    high: float
    estimate: float
    endless_low: bool
    endless_high: bool


def is_drawable(finding: Finding) -> bool:
    """Whether a condition has numbers to draw; a yes or no has none worth a scale."""
    return finding.unit != YES_NO and math.isfinite(finding.estimate)


def scales_of(findings: Sequence[Finding]) -> dict[tuple[str, str], Scale]:
    """One scale for all conditions of one experiment and unit, so that rows can be compared."""
    shown: dict[tuple[str, str], list[float]] = defaultdict(list)
    for finding in filter(is_drawable, findings):
        region = Region.from_words(finding.region)
        ends = (finding.low, finding.high, finding.estimate, region.low, region.high)
        shown[_group(finding)] += [end for end in ends if math.isfinite(end)]
    return {group: Scale.over(values) for group, values in shown.items()}


def drawn(finding: Finding, scale: Scale) -> Drawn:
    """A condition on a scale."""
    region = Region.from_words(finding.region)
    start, end = scale.at(region.low), scale.at(region.high)
    width = max(end - start, THINNEST)
    return Drawn(
        start=round(min(start, WIDTH - width) if end - start else start - width / 2, 2),
        width=round(width, 2),
        low=scale.at(finding.low),
        high=scale.at(finding.high),
        estimate=scale.at(finding.estimate),
        endless_low=finding.low == -math.inf,
        endless_high=finding.high == math.inf,
    )


def draw_all(findings: Sequence[Finding]) -> list[Drawn | None]:
    """A drawing for each condition, None where there is nothing to draw."""
    scales = scales_of(findings)
    return [drawn(f, scales[_group(f)]) if is_drawable(f) else None for f in findings]


def _group(finding: Finding) -> tuple[str, str]:
    return finding.experiment, finding.unit
