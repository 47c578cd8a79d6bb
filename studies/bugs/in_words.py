"""An interval as the title of a figure has it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from harness.figures import median_interval


def with_interval(values: NDArray[np.float64], form: str, unit: str = "") -> str:
    """The median of some values with its 99 % interval: "0.78 (99 % interval 0.71 to 0.80)".

    Args:
        values: one a block, shape (blocks,).
        form: of each number, as ``format`` takes it.
        unit: stands after the numbers.
    """
    found = median_interval(values)
    middle, low, high = (format(n, form) for n in (found.estimate, found.low, found.high))
    if math.isinf(found.low) or math.isinf(found.high):
        return f"{middle}{unit} (too few for an interval)"
    return f"{middle}{unit} (99 % interval {low} to {high}{unit})"
