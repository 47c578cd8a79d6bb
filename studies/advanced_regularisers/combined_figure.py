"""The figure of another technique against more of the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    device_of,
    draw_blocks,
    told,
    wide,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BASE, ADDED, RAISED = "moderate", "another technique", "more dropout or L2"
FAMILIES = {
    RAISED: VERMILION,
    ADDED: BLUE,
    "stochastic depth": ORANGE,
    "label smoothing": GREEN,
    "augmentation": SKY,
}
SHOWN = "digits, residual convolutions"


def gains(table: pd.DataFrame) -> Figure:
    """By how many points each family raises test accuracy over the moderate net."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "accuracy"]
    settings = sorted(set(table["setting"]))
    for group, setting in enumerate(settings):
        found = wide(rows[rows["setting"] == setting], index="block", columns="family")
        for place, (family, colour) in enumerate(FAMILIES.items()):
            gain = 100 * (found[family] - found[BASE]).to_numpy(np.float64)
            label = None if group else family
            draw_blocks(axes, 6.5 * group + place, gain, colour=colour, width=0.3, label=label)
    axes.axhline(0, color=BLACK, linewidth=1)
    names = [setting.replace(", ", ",\n") for setting in settings]
    axes.set_xticks([6.5 * group + 2 for group in range(len(settings))], names, size=15)
    axes.set_ylabel("test accuracy over the moderate net (points)", fontsize=17)
    axes.grid(visible=False, axis="x")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=14
    )
    figure.suptitle(_headline(rows, table), fontsize=18)
    return figure


def _headline(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    found = wide(rows[rows["setting"] == SHOWN], index="block", columns="family")
    over = 100 * (found[ADDED] - found[RAISED]).to_numpy(np.float64)
    return (
        "The best added technique ends above the best of more dropout or L2 by\n"
        f"{told(over, '+.1f', 'points')}\n"
        f"({SHOWN}, {device_of(table)}; dots: {table['block'].nunique()} seeds; "
        "diamonds: medians with 99 % intervals)"
    )
