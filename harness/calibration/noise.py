"""How noisy the machine is now: one piece of work against itself, measured in both ways."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.judging.intervals import Interval, median_interval


@dataclass(frozen=True)
class Noise:
    """The ratio of a piece of work to itself, which is 1 on a machine without noise.

    Attributes:
        interleaved: median ratio of neighbouring pairs, with its 99 % interval.
        apart: ratio of the mean times of the first and the second half, as a comparison of two
            measurements taken one after the other would have it.
        seconds_a_call: median time of the work.
    """

    interleaved: Interval
    apart: float
    seconds_a_call: float


def measure_noise(
    work: Callable[[], object],
    pairs: int = 400,
    clock: Callable[[], float] = time.perf_counter,
) -> Noise:
    """Time a piece of work against itself in pairs whose order alternates.

    Args:
        work: about a millisecond of work.
        pairs: how many pairs, 8 or more.
        clock: seconds.
    """
    seconds = np.array([_timed(work, clock) for _ in range(2 * pairs)])
    first, second = seconds[0::2], seconds[1::2]
    swapped = np.arange(pairs) % 2 == 1
    ratios: NDArray[np.float64] = np.where(swapped, second / first, first / second)
    apart = float(seconds[:pairs].mean() / seconds[pairs:].mean())
    return Noise(median_interval(ratios), apart, float(np.median(seconds)))


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started
