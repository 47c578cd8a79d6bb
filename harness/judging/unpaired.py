"""What two results that were taken apart are worth: a ratio, an interval, and never a verdict.

What ran at other times met another machine, whatever its name. The interval says how far the
repetitions of each file scatter; what changed between the two is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.design.claims import CONFIDENCE
from harness.judging.intervals import Interval, median_interval
from harness.store.foreign import Foreign, Times


@dataclass(frozen=True)
class Unpaired:
    """Two results of one benchmark.

    Attributes:
        benchmark: its name.
        ratio: of the second to the first, with the interval of two independent medians; the ends
            are infinite where there are too few repetitions.
        counts: repetitions in the first and in the second.
        what: a repetition is.
        because: why no verdict can be read from it.
    """

    benchmark: str
    ratio: Interval
    counts: tuple[int, int]
    what: str
    because: tuple[str, ...]


def compare(first: Foreign, second: Foreign) -> list[Unpaired]:
    """Every benchmark that both files have, in the order of the first."""
    common = tuple(_of_files(first, second))
    return [
        _compare(name, times, second.times[name], common)
        for name, times in first.times.items()
        if name in second.times
    ]


def ratio_of_medians(first: Times, second: Times) -> Interval:
    """The second over the first; each median's interval errs half as often as both may."""
    estimate = second.typical / first.typical
    if not first.values or not second.values:
        return Interval(estimate, -math.inf, math.inf)
    each = 1 - (1 - CONFIDENCE) / 2
    below, above = (median_interval(np.asarray(t.values), each) for t in (first, second))
    return Interval(above.estimate / below.estimate, above.low / below.high, above.high / below.low)


def _compare(name: str, first: Times, second: Times, common: tuple[str, ...]) -> Unpaired:
    ratio = ratio_of_medians(first, second)
    counts = len(first.values), len(second.values)
    because = list(common)
    if not all(counts):
        because.append("only aggregates were kept")
    elif not math.isfinite(ratio.low + ratio.high):
        because.append(f"{min(counts)} repetitions are too few for an interval")
    if first.what == "round":
        because.append("rounds of one process are no repetitions of it")
    return Unpaired(name, ratio, counts, first.what, tuple(because))


def _of_files(first: Foreign, second: Foreign) -> Iterator[str]:
    """What holds of every benchmark of the two."""
    yield "the two were not measured in turns"
    if first.tool != second.tool:
        yield f"{first.tool} and {second.tool} time in different ways"
    if not first.cpu or not second.cpu:
        yield "the processor is not named"
    elif first.cpu != second.cpu:
        yield f"another processor ({first.cpu}, then {second.cpu})"
    if not first.day or not second.day:
        yield "the day is not named"
    elif first.day != second.day:
        yield f"another day ({first.day}, then {second.day})"
