"""Test accuracy with pixels and with maps dropped, over the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told, wide

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (("pixels", ORANGE, "single pixels (Dropout)"), ("maps", BLUE, "whole maps (Dropout2d)"))


def accuracy_by_rate(table: pd.DataFrame) -> Figure:
    """Accuracy less that without dropout, a panel for each setting."""
    from matplotlib.figure import Figure

    rows = table[table["response"] == "test_score"]
    settings = list(dict.fromkeys(rows["setting"]))
    figure = Figure()
    panels = figure.subplots(1, len(settings), squeeze=False)[0]
    for setting, axes in zip(settings, panels, strict=True):
        _panel(axes, rows[rows["setting"] == setting])
        axes.set_title(setting, fontsize=15)
        axes.set_xlabel("dropout rate", fontsize=15)
    panels[0].set_ylabel("test accuracy less that without dropout (points)", fontsize=14)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=14
    )
    figure.suptitle(_title(rows), fontsize=16)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    values = wide(rows, index="dropout", columns="block")
    axes.axhline(0, color=BLACK, linewidth=1)
    for place, (kind, colour, label) in enumerate(KINDS):
        names = [name for name in values.index if name.startswith(f"{kind}, ")]
        for name in names:
            draw_blocks(
                axes,
                float(name.rpartition(" ")[2]) + (0.008 if place else -0.008),
                100 * (values.loc[name] - values.loc["no dropout"]).to_numpy(np.float64),
                colour=colour,
                width=0.005,
                label=label if name == names[0] else None,
            )
    axes.set_xticks([0.1, 0.2, 0.3])
    axes.tick_params(labelsize=13)


def _title(rows: pd.DataFrame) -> str:
    values = wide(rows[rows["setting"] == "digits"], index="dropout", columns="block")
    against = 100 * (values.loc["maps, 0.2"] - values.loc["pixels, 0.2"])
    return (
        "On digits, dropping whole maps at 0.2 rather than single pixels changes test accuracy\n"
        f"by {told(against, '+.1f', 'points')}\n"
        f"(dots: {rows['block'].nunique()} seeds; diamonds: medians with 99 % intervals; CPU)"
    )
