"""The figure of listing 1's weights: how many are below which size, and how many are zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.figures import BLUE, GREEN, ORANGE, draw_blocks, told

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"no penalty": GREEN, "L2": BLUE, "L1": ORANGE}
NAMES = {"no penalty": "no penalty", "L2": "L2 of 0.001", "L1": "L1 of 0.0001"}
EDGES = ("a millionth", "0.00001", "0.0001", "0.001", "0.01", "0.1")


def sizes_of_weights(table: pd.DataFrame) -> Figure:
    """The share of weights below each size, and of those that are exactly zero."""
    from matplotlib.figure import Figure

    figure = Figure()
    below, zeros = figure.subplots(1, 2, width_ratios=(3, 1))
    for place, (penalty, colour) in enumerate(COLOURS.items()):
        mine = table[table["penalty"] == penalty]
        _curve(below, mine, colour, NAMES[penalty])
        draw_blocks(zeros, place, _values(mine, "zeros"), colour=colour, width=0.15)
    below.set_xticks(range(len(EDGES)), EDGES)
    below.set_xlabel("size")
    below.set_ylabel("weights below it (% of 16,641)")
    below.legend(loc="upper left")
    zeros.set_xticks(range(len(COLOURS)), ["none", "L2", "L1"])
    zeros.set_ylabel("weights that are exactly zero (%)")
    zeros.set_ylim(-1, max(10.0, 1.1 * zeros.get_ylim()[1]))
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    shares = rows[rows["response"] == "below"].groupby("round")["value"]
    low, middle, high = (shares.quantile(q).iloc[: len(EDGES)] for q in (0.1, 0.5, 0.9))
    places = np.arange(len(middle))
    axes.fill_between(places, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(places, middle, color=colour, marker="o", label=label)


def _values(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    return rows[rows["response"] == response]["value"].to_numpy(np.float64)


def _headline(table: pd.DataFrame) -> str:
    """How many are zero with L1, and how many are as good as zero with L1 and L2."""
    l1, l2 = (table[table["penalty"] == penalty] for penalty in ("L1", "L2"))
    return (
        f"The L1 of listing 1 leaves {told(_values(l1, 'zeros'), '.2f', '%')} of the weights at "
        f"exactly zero;\nbelow a millionth are {told(_values(l1, 'millionth'), '.1f', '%')} with "
        f"L1, and {told(_values(l2, 'millionth'), '.0f', '%')} with L2\n(Adam, CPU; "
        f"{table['block'].nunique()} seeds; bands: middle 80 %; dots: seeds)"
    )
