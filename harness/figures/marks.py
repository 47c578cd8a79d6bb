"""Marks that figures share: every block, its median, and swarms of points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.judging.intervals import median_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What a logarithmic axis may name: more would run into each other.
TICKS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 30, 100, 300)


def draw_blocks(
    axes: Axes,
    x: float,
    values: NDArray[np.float64],
    *,
    colour: str,
    width: float,
    label: str | None = None,
) -> None:
    """Every block as a small point, and their median with its 99 % interval as a diamond.

    Blocks that gave no number are left out; where none gave one, the word "failed" stands there.

    Args:
        axes: where to draw.
        x: where the diamond stands.
        values: one value a block, shape (blocks,).
        colour: of all marks.
        width: how far the points stand to both sides of it; on a logarithmic axis a share of x.
        label: of the diamond in a legend.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        bottom = axes.get_xaxis_transform()
        axes.text(x, 0.02, "failed", color=colour, rotation=90, ha="center", transform=bottom)
        axes.plot([], [], "D", color=colour, label=label)  # the legend keeps its colour
        return
    # Evenly spaced numbers in an order that has nothing to do with the values: no random jitter.
    sideways = np.random.default_rng(0).permutation(np.linspace(-1, 1, len(values)))
    scale = x if axes.get_xscale() == "log" else 1.0
    axes.plot(x + scale * width * sideways, values, ".", color=colour, markersize=5, alpha=0.5)
    interval = median_interval(values)
    # Below 8 blocks the interval is infinite, and the whole axis would follow it.
    low, high = max(interval.low, values.min()), min(interval.high, values.max())
    axes.errorbar(
        x,
        interval.estimate,
        [[interval.estimate - low], [high - interval.estimate]],
        fmt="D",
        color=colour,
        markeredgecolor="white",
        capsize=5,
        label=label,
    )


def swarm(
    values: NDArray[np.float64], resolution: float, width: float = 0.38
) -> NDArray[np.float64]:
    """Sideways shifts that put close values side by side, centred.

    Args:
        values: shape (n,).
        resolution: values within one step of this size share a row.
        width: of a row that holds half of the values; fuller rows are squeezed into the same width.
    """
    steps = (values / resolution).round()
    _, row, counts = np.unique(steps, return_inverse=True, return_counts=True)
    shifts = np.empty(len(values), np.float64)
    for number, count in enumerate(counts):
        places = np.arange(count) - (count - 1) / 2
        shifts[row == number] = places * width / max(count - 1, len(values) / 2)
    return shifts


def plain_ticks(axes: Axes, ticks: Sequence[float] = TICKS) -> None:
    """Put those ticks that lie within what is drawn on a logarithmic axis of y, and no others.

    Args:
        axes: where to draw; its limits stay as they are.
        ticks: as plain numbers.
    """
    low, high = axes.get_ylim()
    there = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(there, [f"{tick:g}" for tick in there])
    axes.minorticks_off()
