"""The figure of how far averaged inference is from its ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, VERMILION, draw_blocks, measured_on, told
from studies.mc_dropout.levels import (
    FAR,
    HALF,
    HIGH,
    STACKED_CANCER,
    STACKED_DIGITS,
    STACKED_LISTING,
    WINE,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: Data and hidden layers, those that are judged first.
PLACES = (
    (STACKED_DIGITS, 2),
    (STACKED_LISTING, 2),
    (STACKED_CANCER, 3),
    (WINE, 3),
    (STACKED_DIGITS, 1),
)


def distance_by_rate(table: pd.DataFrame) -> Figure:
    """The distance of the eval pass from the mean of the passes, by data, depth and rate."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for rate, colour, shift in ((HALF, BLUE, -0.15), (HIGH, VERMILION, 0.15)):
        for place, (task, layers) in enumerate(PLACES):
            rows = table[(table["task"] == task) & (table["layers"] == layers)]
            values = _distances(rows[rows["rate"] == rate])
            label = None if place else f"rate {rate:g}"
            draw_blocks(axes, place + shift, values, colour=colour, width=0.1, label=label)
    axes.axhline(FAR, color=BLACK, linestyle="--", linewidth=1.5, label="0.05, which counts as far")
    axes.axvline(3.5, color=BLACK, linewidth=1)
    names = [f"{task},\n{layers} layer{'s' if layers > 1 else ''}" for task, layers in PLACES]
    axes.set_xticks(range(len(PLACES)), names, fontsize=15)
    axes.set_xlabel("hidden layers with dropout; one (right) is beyond the claim")
    axes.set_ylabel("total variation, eval to the mean\nlogits of 1,000 passes", fontsize=17)
    axes.set_ylim(bottom=0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    rows = table[(table["task"] == WINE) & (table["layers"] == 3)]
    high, half = (_distances(rows[rows["rate"] == rate]) for rate in (HIGH, HALF))
    figure.suptitle(
        f"Wine, three layers at 0.9: eval is {told(high, '.2f')} away\nfrom the mean of its "
        f"masks, at 0.5 {told(half, '.2f')}\n(dots: {table['block'].nunique()} seeds, "
        f"{measured_on(table)}; diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


def _distances(rows: pd.DataFrame) -> NDArray[np.float64]:
    return rows[rows["response"] == "distance"]["value"].to_numpy(np.float64)
