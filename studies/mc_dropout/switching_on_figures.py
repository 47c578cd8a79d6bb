"""The figure of what switching dropout on does to answers and to later evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, measured_on, told
from studies.mc_dropout.levels import ALONE, NORM_CNN, NORM_MLP, PLAIN_CNN, PLAIN_MLP, TRAIN

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

NETS = (PLAIN_MLP, PLAIN_CNN, NORM_MLP, NORM_CNN)


def accuracy_by_switch(table: pd.DataFrame) -> Figure:
    """The accuracy of 50 passes one row at a time, and what becomes of the next evaluation."""
    from matplotlib.figure import Figure

    figure = Figure()
    now, later = figure.subplots(1, 2)
    _panel(now, table, "accuracy")
    now.set_ylabel("accuracy of the mean of 50 passes (%)")
    now.set_title("one row at a time", fontsize=18)
    _panel(later, table, "later")
    later.axhline(0, color=BLACK, linewidth=1)
    later.set_ylabel("accuracy in eval mode, after less before (points)", fontsize=16)
    later.set_title("the next evaluation (beyond the claim)", fontsize=18)
    figure.legend(*now.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    rows = table[table["net"] == NORM_CNN]
    accuracy = {way: _values(rows[rows["switch"] == way], "accuracy") for way in (ALONE, TRAIN)}
    both = len(accuracy[ALONE]) == len(accuracy[TRAIN])
    lost = 100 * (accuracy[TRAIN] - accuracy[ALONE]) if both else np.array([np.nan])
    figure.suptitle(
        f"CNN with batch norm: train() changes the accuracy by {told(lost, '.0f', 'points')}\n"
        f"(digits; dots: {table['block'].nunique()} seeds, {measured_on(table)}; diamonds: medians "
        "with 99 % intervals;\nfailed: a single row is refused)",
        fontsize=17,
    )
    return figure


def _panel(axes: Axes, table: pd.DataFrame, response: str) -> None:
    for way, colour, shift in ((ALONE, BLUE, -0.15), (TRAIN, ORANGE, 0.15)):
        for place, net in enumerate(NETS):
            rows = table[(table["net"] == net) & (table["switch"] == way)]
            label = None if place else f"dropout on by {way}" if way == TRAIN else way
            values = 100 * _values(rows, response)
            draw_blocks(axes, place + shift, values, colour=colour, width=0.1, label=label)
    names = [net.replace(" with ", ",\n") for net in NETS]
    axes.set_xticks(range(len(NETS)), names, fontsize=13)


def _values(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    return rows[rows["response"] == response]["value"].to_numpy(np.float64)
