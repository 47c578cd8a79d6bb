"""Figures of the grid of trainings with and without zero_grad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, PURPLE
from studies.bugs.grid import DIVERGED, FROZEN, FROZEN_ALL, GRID, LOOKS, SETTINGS, STEP, TASKS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"reset": BLUE, "kept": ORANGE}
NAMES = {"reset": "with zero_grad", "kept": "without"}


def gradient_norms(table: pd.DataFrame) -> Figure:
    """The norm of .grad over the steps, a panel a task and a line a setting."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    norms = table[(table["response"] == "norm") & (table["task"] != GRID)]
    lines: Any = norms.groupby(["task", "setting", "gradients", "round"])["value"].median()
    for axes, task in zip(panels, TASKS, strict=False):
        for setting in SETTINGS:
            for gradients, colour in COLOURS.items():
                _norm_line(axes, lines[task, setting, gradients], colour, 1.6)
        axes.set_title(task, fontsize=18)
    last = list(figure.axes)[-1]
    for task in TASKS:
        _norm_line(last, lines[task, FROZEN, "kept"], ORANGE, 1.6)
        _norm_line(last, lines[task, FROZEN_ALL, "kept"], PURPLE, 3)
    last.set_title("frozen weights", fontsize=18)
    end = LOOKS[int(norms["round"].max())]
    for axes in figure.axes:
        _claimed(axes, end)
    last.plot([], [], color=PURPLE, linewidth=3, label="without, all rows")
    for gradients, colour in COLOURS.items():
        last.plot([], [], color=colour, label=NAMES[gradients])
    figure.legend(*last.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.supylabel("norm of .grad, first step = 1", fontsize=20)
    share = _shares(table, "hundredfold")
    figure.suptitle(
        f"At step {STEP} the gradient is 80 to 120 times the first in {share:.0%} of the grid\n"
        f"(a line a setting, {len(SETTINGS)} settings a task; medians of "
        f"{table['block'].nunique()} seeds)"
    )
    return figure


def _norm_line(axes: Axes, norms: pd.Series[float], colour: str, width: float) -> None:
    steps = np.array(LOOKS)[norms.index.to_numpy()]
    axes.plot(steps, norms.to_numpy(), color=colour, linewidth=width, alpha=0.8)


def _claimed(axes: Axes, end: int) -> None:
    """The line of a sum of equal gradients, with the step that the documents speak of."""
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 1e5), xlim=(1, end))
    axes.plot([1, end], [1, end], "--", color=BLACK, linewidth=1.8, label="claimed")
    axes.plot(STEP, STEP, "o", color=BLACK, markersize=6)
    axes.set_xlabel("step")
    axes.label_outer()


def losses_at_the_end(table: pd.DataFrame) -> Figure:
    """The loss at the end of every cell of the grid, with and without zero_grad."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASKS), sharey=True, sharex=True)
    rows = table[(table["response"] == "share_left") & table["setting"].isin(list(SETTINGS))]
    found = rows.groupby(["task", "setting", "gradients"])["value"]
    for axes, task in zip(panels, TASKS, strict=True):
        axes.set_xscale("log")
        axes.axvline(1, color=BLACK, linewidth=1.5)
        axes.axvline(DIVERGED, color=ORANGE, linestyle="--", linewidth=1.8)
        for place, setting in enumerate(SETTINGS):
            values = {g: found.get_group((task, setting, g)).to_numpy() for g in COLOURS}
            axes.plot([np.median(v) for v in values.values()], [place] * 2, color="#999999")
            for (gradients, of), shift in zip(values.items(), (-0.15, 0.15), strict=True):
                colour = COLOURS[gradients]
                axes.plot(of, np.full(len(of), place + shift), ".", color=colour, ms=4, alpha=0.4)
                axes.plot(np.median(of), place, "D", color=colour, markeredgecolor="white")
        axes.set_title(task.replace(" ", "\n", 1), fontsize=17)
        axes.tick_params(axis="x", labelsize=14)
    panels[0].set_yticks(range(len(SETTINGS)), list(SETTINGS), fontsize=15)
    panels[0].invert_yaxis()
    for gradients, colour in COLOURS.items():
        panels[0].plot([], [], "D", color=colour, label=NAMES[gradients])
    panels[0].plot([], [], "--", color=ORANGE, label="diverged, as judged")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    panels[len(TASKS) // 2].set_xlabel("loss at the end, loss at the beginning = 1", fontsize=18)
    worse, better, diverged = (_shares(table, name) for name in ("worse", "better", "diverged"))
    figure.suptitle(
        f"Without zero_grad {worse:.0%} of the grid ends worse, {better:.0%} better; "
        f"{diverged:.0%} diverges\n(dots: {table['block'].nunique()} seeds; diamonds: medians)"
    )
    return figure


def _shares(table: pd.DataFrame, response: str) -> float:
    """The median over seeds of the share of the grid."""
    rows = table[(table["response"] == response) & (table["task"] == GRID)]
    return float(rows["value"].median())
