"""What a figure does with cells that failed: it shows that they are missing.

A failed cell is a row without a number. Intervals leave its block out, as marks do; where nothing
is left, a number is nan and reads "?" in the figure, which says how many of its cells failed.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.judging import intervals
from harness.judging.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

NOTHING = Interval(math.nan, math.nan, math.nan)
#: What a number reads that no block gave.
UNKNOWN = "?"
_NAN = re.compile(r"[+\N{MINUS SIGN}-]?\bnan\b")


def median_interval(values: ArrayLike) -> Interval:
    """The median of block values with its interval, without the blocks that gave none.

    Args:
        values: one a block, shape (blocks,).

    Returns:
        As ``harness.judging.intervals.median_interval``; all nan where no block gave a value.
    """
    return _of_what_is_there(intervals.median_interval, values)


def frequency_interval(events: ArrayLike) -> Interval:
    """The share of ones with its interval, without the blocks that gave neither one nor zero.

    Args:
        events: one a block, shape (blocks,).

    Returns:
        As ``harness.judging.intervals.frequency_interval``; all nan where no block gave a value.
    """
    return _of_what_is_there(intervals.frequency_interval, events)


def _of_what_is_there(
    interval: Callable[[NDArray[np.float64]], Interval], values: ArrayLike
) -> Interval:
    there = np.asarray(values, np.float64)
    there = there[np.isfinite(there)]
    return interval(there) if there.size else NOTHING


def wide(
    rows: pd.DataFrame, *, index: str | list[str], columns: str | list[str], how: str = "mean"
) -> pd.DataFrame:
    """Values as a table of two sides, where what failed is nan; a pivot table would leave it out.

    Args:
        rows: of one response, or with it among the columns.
        index: names of the rows.
        columns: names of the columns.
        how: several values of one place become one.
    """
    sides = [[side] if isinstance(side, str) else side for side in (index, columns)]
    values: Any = rows.groupby(sides[0] + sides[1])["value"].agg(how)
    table: pd.DataFrame = values.unstack(sides[1])  # noqa: PD010 - which would leave nan out
    return table


def failed_cells(table: pd.DataFrame) -> tuple[int, int]:
    """How many cells of a table failed, and how many it has; a cell is an arm of a block."""
    failed = table["status"] == "failed"
    cells = failed.groupby([table["block"], table["order"]]).max()
    return int(cells.sum()), len(cells)


def show_missing(figure: Figure, table: pd.DataFrame) -> None:
    """Say how many cells of a figure failed, and that what they would have told is not known."""
    failed, cells = failed_cells(table)
    if not failed:
        return
    _give_empty_axes_a_range(figure)
    _say_unknown(figure)
    said = f"{failed} of {cells} cells failed"
    # Along the right edge, where no figure has a title, an axis or a legend.
    figure.text(0.999, 0.5, said, rotation=90, ha="right", va="center", size=13)


def _say_unknown(artist: Artist) -> None:
    """A question mark wherever an artist, or one within it, would say nan.

    Of an axis only the words that a figure has put at its ticks are asked for: to make ticks, of
    which there are hundreds, takes longer than all the rest of a drawing.
    """
    from matplotlib.axis import Axis
    from matplotlib.ticker import FixedLocator

    if isinstance(artist, Axis):
        _say_unknown(artist.label)
        if isinstance(artist.get_major_locator(), FixedLocator):
            places = artist.get_majorticklocs().tolist()
            labels = artist.get_major_formatter().format_ticks(places)
            if any(map(_NAN.search, labels)):
                artist.set_ticks(places, [_NAN.sub(UNKNOWN, label) for label in labels])
        return
    said: Any = artist
    if hasattr(artist, "set_text") and hasattr(artist, "get_text"):
        said.set_text(_NAN.sub(UNKNOWN, said.get_text()))
    for child in artist.get_children():
        _say_unknown(child)


def _give_empty_axes_a_range(figure: Figure) -> None:
    """A logarithmic axis without a number on it has no ticks, and cannot be drawn."""
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
            low, high = sorted(axis.get_view_interval())
            if axis.get_scale() == "log" and not 0 < low < high < math.inf:
                limits(1, 10)


def nothing_measured(table: pd.DataFrame) -> Figure:
    """What stands in a figure's place where no cell has a number: why."""
    from matplotlib.figure import Figure

    failed, _ = failed_cells(table)
    why = table.loc[table["status"] == "failed", "message"].value_counts()
    figure = Figure()
    figure.suptitle(f"Nothing was measured: all {failed} cells failed")
    figure.text(0.5, 0.5, "\n".join(why.index[:3]), ha="center", va="center", wrap=True, size=14)
    return figure
