"""The figure of stochastic depth: accuracy, and what a net loses without a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, device_of, draw_blocks, told, wide

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SURVIVALS = ((1.0, BLACK), (0.9, ORANGE), (0.8, BLUE))
SHOWN = "convolutions"


def accuracy_and_lesions(table: pd.DataFrame) -> Figure:
    """Test accuracy by survival, and how much of it one missing block costs."""
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    _panel(left, table[table["response"] == "accuracy"])
    left.set_ylabel("test accuracy (%)")
    _panel(right, table[table["response"] == "fall"])
    right.set_ylabel("lost without one block, mean (points)", fontsize=18)
    handles = [left.plot([], [], "D", color=colour)[0] for _, colour in SURVIVALS]
    names = ["no stochastic depth", "survival 0.9", "survival 0.8"]
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    nets = sorted(set(rows["net"]))
    for place, net in enumerate(nets):
        for shift, (survival, colour) in zip((-0.25, 0.0, 0.25), SURVIVALS, strict=True):
            of_arm = rows[(rows["net"] == net) & (rows["survival"] == survival)]
            values = 100 * of_arm["value"].to_numpy(np.float64)
            draw_blocks(axes, place + shift, values, colour=colour, width=0.09)
    axes.set_xticks(range(len(nets)), nets, fontsize=15)
    axes.grid(visible=False, axis="x")


def _headline(table: pd.DataFrame) -> str:
    rows = table[table["net"] == SHOWN]
    falls, ends = (
        wide(rows[rows["response"] == response], index="block", columns="survival")
        for response in ("fall", "accuracy")
    )
    spared = 100 * (falls[1.0] - falls[0.9]).to_numpy(np.float64)
    gain = 100 * (ends[0.9] - ends[1.0]).to_numpy(np.float64)
    return (
        f"At survival 0.9 a missing block costs {told(spared, '.1f', 'points')} less,\n"
        f"and test accuracy changes by {told(gain, '+.1f', 'points')}\n"
        f"(10 blocks of convolutions, {device_of(table)}; dots: {table['block'].nunique()} seeds; "
        "diamonds: medians)"
    )
