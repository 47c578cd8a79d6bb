"""What dropout does to test accuracy, over the width of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told, wide
from studies.tuning.tasks import CANCER, DIGITS, LISTING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATES = ((0.3, BLUE), (0.5, ORANGE))


def dropout_by_width(table: pd.DataFrame) -> Figure:
    """Test accuracy with dropout less that without, by width; a panel for each data set."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "test_score") & (table["layers"] == 1)]
    names = [name for name in (LISTING, DIGITS, CANCER) if name in set(rows["data"])]
    figure = Figure()
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for name, axes in zip(names, panels, strict=True):
        _panel(axes, rows[rows["data"] == name])
        axes.set_title(name, fontsize=16)
        axes.set_xlabel("units of the hidden layer", fontsize=15)
    panels[0].set_ylabel("test accuracy less that without dropout (points)", fontsize=14)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=14
    )
    figure.suptitle(_title(rows), fontsize=16)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.axvspan(24, 128, color=BLACK, alpha=0.08, label="the document: no dropout")
    values = wide(rows, index=["width", "rate"], columns="block")
    widths = sorted(set(rows["width"]))
    for rate, colour in RATES:
        for width in widths:
            against = values.loc[(width, rate)] - values.loc[(width, 0.0)]
            draw_blocks(
                axes,
                width * (0.94 if rate == RATES[0][0] else 1.06),
                100 * against.to_numpy(np.float64),
                colour=colour,
                width=0.05,
                label=f"dropout {rate:g}" if width == widths[0] else None,
            )
    axes.set_xticks(widths, [f"{width}" for width in widths], rotation=60, fontsize=12)
    axes.minorticks_off()
    axes.tick_params(axis="y", labelsize=13)


def _title(rows: pd.DataFrame) -> str:
    data = LISTING
    values = wide(rows[rows["data"] == data], index=["width", "rate"], columns="block")
    by_rate = values.unstack("width")  # noqa: PD010 - a pivot table would leave nan out
    narrow, broad = (
        100 * (by_rate.loc[rate] - by_rate.loc[0.0]).xs(width, level="width")
        for width, rate in ((64, 0.3), (1024, 0.5))
    )
    return (
        f"With dropout test accuracy on {data}'s data changes by {told(narrow, '+.1f')} points\n"
        f"at 64 units and 0.3, by {told(broad, '+.1f')} at 1,024 units and 0.5\n"
        f"(one hidden layer; dots: {rows['block'].nunique()} seeds; diamonds: medians with 99 % "
        "intervals; CPU)"
    )
