"""The grid of orders: what stops with an exception, what breaks without a word, what does no harm.

A cell is judged as its claim is: by the 99 % interval of the median over seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, VERMILION, median_interval
from studies.step_anatomy.orders import BEYOND, JUDGED, NO_ZERO

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BREAKS, STOPS, HARMLESS, OPEN, FAILED = "breaks", "stops", "harmless", "open", "failed"
COLOURS = {BREAKS: VERMILION, STOPS: ORANGE, HARMLESS: BLUE, OPEN: "#999999", FAILED: "#FFFFFF"}
LEGEND = {
    BREAKS: "runs to the end, and the network is worse",
    STOPS: "stops with an exception",
    HARMLESS: "runs to the end, no worse",
}
SHADE = 0.3


class Cell(NamedTuple):
    """What an order does with an optimiser: one of the words above, and its numbers in words."""

    outcome: str
    words: str


def what_breaks(table: pd.DataFrame) -> Figure:
    """Every order with each optimiser, as one cell each."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    found = table[table["scheduler"] == "StepLR"]
    lines = [(order, 1) for order in (*JUDGED, *BEYOND)] + [(NO_ZERO, 10)]
    optimisers = ("SGD", "Adam")
    figure = Figure()
    axes = figure.subplots()
    judged: list[str] = []
    for row, (order, times) in enumerate(lines):
        for column, optimiser in enumerate(optimisers):
            cell = cell_of(found, order, optimiser, times)
            _draw_cell(axes, column, row, cell)
            if row < len(JUDGED):
                judged.append(cell.outcome)
    axes.axhline(len(JUDGED) - 0.5, color=BLACK, lw=1.5)
    axes.text(1.53, len(JUDGED) - 0.42, "beyond\nthe list", fontsize=12, va="top", color="#555555")
    axes.set(xlim=(-0.5, 1.72), ylim=(len(lines) - 0.5, -0.5))
    axes.set_xticks((0, 1), optimisers)
    names = [order + (f", {times} x the rate" if times > 1 else "") for order, times in lines]
    axes.set_yticks(range(len(lines)), names, fontsize=15)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    handles = [Patch(facecolor=COLOURS[o], alpha=SHADE, label=text) for o, text in LEGEND.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=14)
    counts = {outcome: judged.count(outcome) for outcome in COLOURS}
    rest = f", {counts[OPEN]} are open" if counts[OPEN] else ""
    rest += f", {counts[FAILED]} failed" if counts[FAILED] else ""
    figure.suptitle(
        f"Of {len(judged)} single skips and swaps of neighbours, {counts[BREAKS]} break training "
        f"with no exception,\n{counts[STOPS]} stop with an exception, {counts[HARMLESS]} do no harm"
        f"{rest} (CPU; a cell: median of {table['block'].nunique()} seeds,\n"
        "one epoch of the listed loop; worse: 5 % of the loss held out, or a point of accuracy)",
        fontsize=17,
    )
    return figure


def cell_of(table: pd.DataFrame, order: str, optimiser: str, times: int = 1) -> Cell:
    """What an order does at so many times the listing's rate, judged over its blocks."""
    mine = table[(table["sequence"] == order) & (table["optimiser"] == optimiser)]
    mine = mine[mine["times"] == times]
    values = {
        name: mine.loc[mine["response"] == name, "value"].dropna().to_numpy(np.float64)
        for name in ("raised", "harm", "loss_over", "points_lost", "same")
    }
    if not all(len(each) for each in values.values()):
        return Cell(FAILED, "no value")
    if values["raised"].any():
        notes = mine.loc[mine["response"] == "raised", "message"]
        error = str(notes.iloc[0]).partition(":")[0]
        return Cell(STOPS, error or "exception")
    interval = median_interval(values["harm"])
    words = _numbers(values["loss_over"], values["points_lost"])
    if values["same"].all():
        words = "the same weights, bit for bit"
    if interval.low >= 1:
        return Cell(BREAKS, words)
    return Cell(HARMLESS if interval.high < 1 else OPEN, words)


def _numbers(loss: np.ndarray, points: np.ndarray) -> str:
    change = -float(np.median(points))
    sign = "\N{MINUS SIGN}" if change < 0 else "+"
    return f"loss x {float(np.median(loss)):.2f}, accuracy {sign}{abs(change):.1f} points"


def _draw_cell(axes: Axes, column: int, row: int, cell: Cell) -> None:
    from matplotlib.patches import Rectangle

    box = Rectangle((column - 0.49, row - 0.46), 0.98, 0.92, facecolor=COLOURS[cell.outcome])
    box.set_alpha(SHADE)
    axes.add_patch(box)
    axes.text(column, row, cell.words, ha="center", va="center", fontsize=14)
