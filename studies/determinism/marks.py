"""What the figures of this study share: a median with its interval, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.figures import median_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def told(values: NDArray[np.float64], form: str = ".1f") -> str:
    """The median of some blocks with its 99 % interval in words, or where it is wide, alone."""
    there = values[np.isfinite(values)]
    if not len(there):
        return "not measured"
    interval = median_interval(there)
    number = format(interval.estimate, form)
    if math.isinf(interval.low):
        return number
    return f"{number} ({interval.low:{form}} to {interval.high:{form}})"
