"""Ticks of logarithmic axes as plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 30, 100, 300)


def plain_ticks(axes: Axes) -> None:
    """Put the ticks that lie within what is drawn on a logarithmic axis of y, and no others."""
    low, high = axes.get_ylim()
    there = [tick for tick in TICKS if low <= tick <= high]
    axes.set_yticks(there, [f"{tick:g}" for tick in there])
    axes.minorticks_off()
