"""The figure of how variances settle with the number of passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, GREEN, ORANGE, measured_on, told
from studies.mc_dropout.levels import (
    CANCER,
    ENOUGH,
    LISTING,
    LOGIT,
    PERCEPTRON,
    PROBABILITY,
    RATE,
    SIZES,
    TOLERANCE,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLOURS = {PERCEPTRON: BLUE, CANCER: ORANGE, LISTING: GREEN}
STYLES = dict(zip(RATE.levels, (":", "--", "-"), strict=True))


def error_by_passes(table: pd.DataFrame) -> Figure:
    """The median error of a variance over the number of passes, by output, data and rate."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, quantity in zip(panels, (PROBABILITY, LOGIT), strict=True):
        _curves(axes, table[(table["quantity"] == quantity) & (table["response"] == "error")])
        axes.set_title(f"variance of a {quantity}", fontsize=18)
    panels[0].set_ylabel("median relative error of a variance (%)", fontsize=18)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=14
    )
    needed = table[(table["response"] == "needed") & (table["task"] == PERCEPTRON)]
    needed = needed[(needed["rate"] == RATE.levels[-1]) & (needed["quantity"] == PROBABILITY)]
    passes = told(needed["value"].to_numpy(np.float64), ".0f", "passes")
    figure.suptitle(
        f"Off by {100 * TOLERANCE:g} % after {passes}: digits, probability, dropout "
        f"{RATE.levels[-1]:g}\n(median of rows and groups; {SIZES[-1]}: or more; lines: medians of "
        f"{table['block'].nunique()} seeds; bands: their middle 80 %; {measured_on(table)})",
        fontsize=17,
    )
    return figure


def _curves(axes: Axes, rows: pd.DataFrame) -> None:
    # Of a normal distribution half lies within 0.6745 standard deviations.
    normal = 100 * 0.6745 * np.sqrt(2 / (np.array(SIZES) - 1))
    axes.plot(SIZES, normal, color=BLACK, linewidth=1.5, label="normal outputs")
    edge = f"{100 * TOLERANCE:g} %"
    axes.axhline(100 * TOLERANCE, color=BLACK, linestyle=":", linewidth=1.5, label=edge)
    axes.axvline(ENOUGH, color=BLACK, linestyle="--", linewidth=1.5, label="50 passes")
    for task, colour in COLOURS.items():
        for rate, style in STYLES.items():
            errors = 100 * _by_size(rows[(rows["task"] == task) & (rows["rate"] == rate)])
            if not errors.size:
                continue
            sizes = SIZES[: errors.shape[1]]
            low, middle, high = np.quantile(errors, (0.1, 0.5, 0.9), axis=0)
            if rate == RATE.levels[-1]:
                axes.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
            label = f"{task.removesuffix(', perceptron')}, {rate:g}"
            axes.plot(sizes, middle, color=colour, linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks((10, 20, 50, 100, 200), ("10", "20", "50", "100", "200"))
    axes.set_yticks((5, 10, 20, 50, 100), ("5", "10", "20", "50", "100"))
    axes.minorticks_off()
    axes.set_xlabel("passes")


def _by_size(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Shape (seeds, sizes), of the seeds that gave numbers."""
    there = rows[np.isfinite(rows["value"]) & (rows["value"] > 0)]
    wide = there.pivot_table(index="block", columns="round", values="value")
    values: NDArray[np.float64] = wide.dropna().to_numpy(np.float64)
    return values
