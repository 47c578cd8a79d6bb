"""The figure of the calibration: coverage by number of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.calibration.planted import LEAST_COVERAGE
from harness.design.claims import CONFIDENCE
from harness.figures.style import BLACK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Told apart by shape as well as by colour.
MARKERS = "osD^vP"


def coverage_figure(table: pd.DataFrame) -> Figure:
    """Coverage of medians (left) and frequencies (right), with two standard errors either way.

    Args:
        table: one row a check, with the columns of ``calibration.csv``.
    """
    from matplotlib.figure import Figure

    covered = table[table["quantity"] == "covered"]
    medians = covered[covered["interval"].str.startswith("median")]
    frequencies = covered[covered["interval"] == "frequency"]
    lowest = medians.loc[medians.groupby(["distribution", "blocks"], sort=False)["rate"].idxmin()]
    figure = Figure()
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, lowest, "medians (least of 4 kinds of contrast)")
    _draw(right, frequencies, "frequencies")
    left.set_ylabel("intervals that hold the truth (%)")
    rates = 100 * covered["rate"]
    figure.suptitle(
        f"{100 * CONFIDENCE:g} % intervals hold the truth in {rates.min():.2f} to "
        f"{rates.max():.2f} % of simulated experiments\n({covered['simulations'].min():,} "
        "or more for each point; bars: two standard errors)",
        fontsize=21,
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, title: str) -> None:
    places = {blocks: place for place, blocks in enumerate(sorted(set(rows["blocks"])))}
    names = list(dict.fromkeys(rows["distribution"]))
    shifts = np.linspace(-0.3, 0.3, len(names))
    for name, shift, colour, marker in zip(names, shifts, PALETTE, MARKERS, strict=False):
        mine = rows[rows["distribution"] == name]
        axes.errorbar(
            mine["blocks"].map(places) + shift,
            100 * mine["rate"],
            200 * mine["se"],
            fmt=marker,
            color=colour,
            markersize=7,
            elinewidth=1.5,
            label=name,
        )
    axes.axhline(100 * LEAST_COVERAGE, color=BLACK, linestyle="--")
    axes.text(
        -0.45, 100 * LEAST_COVERAGE + 0.03, f"required: {100 * LEAST_COVERAGE:g} %", fontsize=16
    )
    axes.axhline(100 * CONFIDENCE, color=BLACK, linewidth=1.2)
    axes.set_ylim(min(98.3, 100 * rows["rate"].min() - 0.2), 100.05)
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_xticks(range(len(places)), [str(blocks) for blocks in places], fontsize=12)
    axes.grid(visible=False, axis="x")
    axes.set_title(title, fontsize=20)
    axes.set_xlabel("blocks")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=14)
