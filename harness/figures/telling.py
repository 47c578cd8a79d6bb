"""What a figure says in words: a number with its interval, and what its marks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.design.claims import CONFIDENCE
from harness.judging.intervals import median_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

LEVEL = f"{100 * CONFIDENCE:g} %"


def told(values: ArrayLike, form: str = ".2f", unit: str = "", *, interval: bool = True) -> str:
    """The median of block values in words: "3.4 points (99 % interval 3.1 to 3.6)".

    Args:
        values: one a block, shape (blocks,); blocks that gave none are left out.
        form: of each number, as ``format`` takes it.
        unit: what follows the median; "%" as well as words.
        interval: whether to give it; where there are too few blocks for one, that is said.

    Returns:
        The words, with a true minus sign; "not measured" where no block gave a value.
    """
    there = np.asarray(values, np.float64)
    there = there[np.isfinite(there)]
    if not there.size:
        return "not measured"
    middle = median_interval(there)
    text = f"{middle.estimate:{form}}{' ' if unit else ''}{unit}"
    if interval and np.isfinite([middle.low, middle.high]).all():
        text += f" ({LEVEL} interval {middle.low:{form}} to {middle.high:{form}})"
    elif interval:
        text += " (too few for an interval)"
    return text.replace("-", "\N{MINUS SIGN}")


def note(axes: Axes, device: str, blocks: int, what: str = "process") -> None:
    """Say above a panel what was measured on, how often, and what its marks are.

    Args:
        axes: the panel.
        device: as ``measured_on`` tells it; empty where the rows do not tell.
        blocks: how many.
        what: a block is: "process", "seed".
    """
    several = what if blocks == 1 else f"{what}{'es' if what.endswith('s') else 's'}"
    where = f"{device}, " if device else ""
    text = f"{where}{blocks} {several} (dots); diamonds: medians with {LEVEL} intervals"
    axes.set_title(text, loc="left", fontsize=14, color="#555555")
