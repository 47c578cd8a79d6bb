"""The figure of cosine against a constant rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTHS, RATE = (10, 20, 60), 0.01
STATED = -5.0  # % at most


def cosine_against_constant(table: pd.DataFrame) -> Figure:
    """How much lower the loss ends, by the length of the training; and the curves of one length."""
    from matplotlib.figure import Figure

    figure = Figure()
    curves, ends = figure.subplots(1, 2)
    table = table[table["rate"] == RATE]
    _curves(curves, table[(table["task"] == SPIRAL_RELU) & (table["epochs"] == 60)])
    _ends(ends, table[table["response"] == "gain"])
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _curves(axes: Axes, rows: pd.DataFrame) -> None:
    """Losses of the longest training with Adam; medians and 80 % bands."""
    for schedule, colour in (("constant", ORANGE), ("cosine", BLUE)):
        of_one = rows[(rows["response"] == schedule) & (rows["optimiser"] == "Adam")]
        by_epoch = of_one.groupby("round")["value"]
        low, middle, high = (by_epoch.quantile(q) for q in (0.1, 0.5, 0.9))
        epochs = middle.index.to_numpy() + 1
        axes.fill_between(epochs, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(epochs, middle, color=colour, label=schedule)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss on all training rows (nat)")
    axes.set_title("Adam at 0.01, ReLU", fontsize=18)
    axes.legend(loc="lower left")


def _ends(axes: Axes, rows: pd.DataFrame) -> None:
    """How much lower cosine ends, by optimiser and network."""
    arms = [(o, t) for o in ("Adam", "SGD") for t in (SPIRAL_RELU, SPIRAL_TANH)]
    colours = {"Adam": BLUE, "SGD": ORANGE}
    for place, (optimiser, task) in enumerate(arms):
        of_arm = rows[(rows["optimiser"] == optimiser) & (rows["task"] == task)]
        for length, shift in zip(LENGTHS, (-0.25, 0.0, 0.25), strict=True):
            values = -100 * of_arm[of_arm["epochs"] == length]["value"].to_numpy(np.float64)
            draw_blocks(axes, place + shift, values, colour=colours[optimiser], width=0.08)
    axes.axhline(STATED, color=BLACK, linestyle="--", linewidth=1.5, label="5 % lower, as claimed")
    axes.axhline(0, color=BLACK, linewidth=1)
    names = [f"{optimiser},\n{task.split(', ')[1]}" for optimiser, task in arms]
    axes.set_xticks(range(len(arms)), names)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylabel("final loss, cosine against constant (%)")
    axes.set_title("10, 20 and 60 epochs at 0.01", fontsize=18)
    axes.legend(loc="upper right")


def _headline(table: pd.DataFrame) -> str:
    at = (table["response"] == "gain") & (table["task"] == SPIRAL_RELU) & (table["epochs"] == 20)
    more = {o: -100 * table[at & (table["optimiser"] == o)]["value"] for o in ("Adam", "SGD")}
    return (
        "Against a constant rate the loss after 20 epochs of cosine is "
        f"{told(more['Adam'], '+.0f', '%')}\n"
        f"with Adam, {told(more['SGD'], '+.1f', '%')} with SGD (spiral, ReLU, rate 0.01, CPU)\n"
        f"(dots: {table['block'].nunique()} seeds; diamonds: medians with 99 % intervals; "
        "bands: middle 80 %)"
    )
