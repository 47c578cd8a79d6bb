"""The figure of cosine against a constant rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTHS, RATE = (10, 20, 60), 0.01
GREY = "#888888"
STATED = -5.0  # % at most
LEARNT = 0.5  # of the untrained network's loss may be left, where the claims are judged


def cosine_against_constant(table: pd.DataFrame) -> Figure:
    """How much lower the loss ends, by the length of the training; and the curves of one length."""
    from matplotlib.figure import Figure

    figure = Figure()
    curves, ends = figure.subplots(1, 2)
    table = table[table["rate"] == RATE]
    _curves(curves, table[(table["task"] == SPIRAL_RELU) & (table["epochs"] == 60)])
    _ends(ends, table)
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
    """How much lower cosine ends, by optimiser and network; grey where nothing was learnt."""
    arms = [(o, t) for o in ("Adam", "SGD") for t in (SPIRAL_RELU, SPIRAL_TANH)]
    colours = {"Adam": BLUE, "SGD": ORANGE}
    for place, (optimiser, task) in enumerate(arms):
        of_arm = rows[(rows["optimiser"] == optimiser) & (rows["task"] == task)]
        for length, shift in zip(LENGTHS, (-0.25, 0.0, 0.25), strict=True):
            of_length = of_arm[of_arm["epochs"] == length]
            colour = colours[optimiser] if _median(of_length, "left") < LEARNT else GREY
            gains = of_length[of_length["response"] == "gain"]["value"].to_numpy(np.float64)
            draw_blocks(axes, place + shift, -100 * gains, colour=colour, width=0.08)
    axes.axhline(STATED, color=BLACK, linestyle="--", linewidth=1.5, label="5 % lower, as claimed")
    axes.axhline(0, color=BLACK, linewidth=1)
    names = [f"{optimiser},\n{task.split(', ')[1]}" for optimiser, task in arms]
    axes.set_xticks(range(len(arms)), names)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylabel("cosine ends higher by (% of constant or of 0.1)", fontsize=17)
    axes.set_title("10, 20, 60 epochs (grey: loss not halved)", fontsize=18)
    axes.legend(loc="lower right")


def _median(rows: pd.DataFrame, response: str) -> float:
    """The median over the seeds; NaN without any."""
    return float(rows[rows["response"] == response]["value"].median())


def _headline(table: pd.DataFrame) -> str:
    """Where both schedules end after 20 epochs, and the one against the other."""
    at = (table["task"] == SPIRAL_RELU) & (table["epochs"] == 20)
    ends = {
        (optimiser, schedule): told(_ends_of(table[at], optimiser, schedule), ".3f", interval=False)
        for optimiser in ("Adam", "SGD")
        for schedule in ("cosine", "constant")
    }
    gains = table[at & (table["response"] == "gain") & (table["optimiser"] == "Adam")]
    more = -100 * gains["value"].to_numpy(np.float64)
    return (
        f"After 20 epochs of Adam cosine ends at {ends['Adam', 'cosine']} nat, a constant rate at "
        f"{ends['Adam', 'constant']}:\n{told(more, '+.0f', '% of that or of 0.1')};\n"
        f"of SGD at {ends['SGD', 'cosine']} and {ends['SGD', 'constant']} (spiral, ReLU, rate "
        f"0.01, CPU; dots: {table['block'].nunique()} seeds; bands: middle 80 %)"
    )


def _ends_of(rows: pd.DataFrame, optimiser: str, schedule: str) -> NDArray[np.float64]:
    """The loss after the last epoch of each seed."""
    curves = rows[(rows["optimiser"] == optimiser) & (rows["response"] == schedule)]
    last = curves[curves["round"] == curves["round"].max()]
    return np.asarray(last["value"], np.float64)
