"""How a figure's title tells a number: the median over blocks with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.figures import median_interval


def told(values: ArrayLike, form: str = ".1f", unit: str = "", interval: bool = True) -> str:
    """The median of block values in words: "3.4 points (3.1 to 3.6)".

    Args:
        values: one a block; the interval (99 %) is left out where there are too few of them.
        form: of the numbers.
        unit: what follows the median.
        interval: whether to give it at all.
    """
    middle = median_interval(np.asarray(values, np.float64))
    text = f"{middle.estimate:{form}}{' ' if unit else ''}{unit}"
    if interval and np.isfinite([middle.low, middle.high]).all():
        text += f" ({middle.low:{form}} to {middle.high:{form}})"
    return text.replace("-", "\N{MINUS SIGN}")
