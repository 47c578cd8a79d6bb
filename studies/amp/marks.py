"""What the figures of this study share: one value a block drawn, and told in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.figures import draw_blocks, median_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def draw(
    axes: Axes,
    x: float,
    values: NDArray[np.float64],
    *,
    colour: str,
    width: float,
) -> None:
    """The blocks that gave a number; where none did, a cross that says so."""
    there = values[np.isfinite(values)]
    if len(there):
        draw_blocks(axes, x, there, colour=colour, width=width)
        return
    bottom = axes.get_xaxis_transform()
    axes.text(x, 0.02, "failed", color=colour, rotation=90, ha="center", transform=bottom)


def told(values: NDArray[np.float64], form: str = ".2f") -> str:
    """The median of some blocks with its 99 % interval in words, or where it is wide, alone."""
    there = values[np.isfinite(values)]
    if not len(there):
        return "not measured"
    interval = median_interval(there)
    number = format(interval.estimate, form)
    if math.isinf(interval.low):
        return number
    return f"{number} ({interval.low:{form}} to {interval.high:{form}})"


def note(axes: Axes, device: str, blocks: int, what: str = "process") -> None:
    """Say above a panel what was measured on, how often, and what its marks are."""
    several = what if blocks == 1 else f"{what}{'es' if what.endswith('s') else 's'}"
    where = f"{device}, " if device else ""
    text = f"{where}{blocks} {several} (dots); diamonds: medians with 99 % intervals"
    axes.set_title(text, loc="left", fontsize=14, color="#555555")
