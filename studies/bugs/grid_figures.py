"""Figures of the grid of trainings with and without zero_grad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, median_interval
from studies.bugs.grid import (
    DIVERGED,
    EXPONENT,
    FROZEN,
    FROZEN_ALL,
    HUNDREDFOLD,
    LINEARLY,
    LOOKS,
    SETTINGS,
    SLOW,
    STEP,
    TASKS,
    WORSE,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from harness import Region

COLOURS = {"reset": BLUE, "kept": ORANGE}
NAMES = {"reset": "with zero_grad", "kept": "without"}
CELLS = [(task, setting) for task in TASKS for setting in SETTINGS]


def gradient_norms(table: pd.DataFrame) -> Figure:
    """The norm of .grad over the steps, a panel a task and a line a setting."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    norms = table[table["response"] == "norm"]
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
    cells = cells_of(table, EXPONENT.name)
    middles = [float(np.median(values)) for values in cells.values()]
    figure.suptitle(
        f"Up to step {STEP} .grad grows in proportion to the steps in "
        f"{len(inside(cells, LINEARLY))} of {len(cells)} cells,\nin all as steps to the power of "
        f"{min(middles):.1f} to {max(middles):.1f} (a line a cell: median of "
        f"{table['block'].nunique()} seeds)"
    )
    return figure


def _norm_line(axes: Axes, norms: pd.Series[float], colour: str, width: float) -> None:
    steps = np.array(LOOKS)[norms.index.to_numpy()]
    axes.plot(steps, norms.to_numpy(), color=colour, linewidth=width, alpha=0.8)


def _claimed(axes: Axes, end: int) -> None:
    """The line of a sum of equal gradients, up to the step that the documents speak of."""
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 1e5), xlim=(1, end))
    axes.plot([1, STEP], [1, STEP], "--", color=BLACK, linewidth=1.8, label="claimed")
    axes.plot(STEP, STEP, "o", color=BLACK, markersize=6)
    axes.set_xlabel("step")
    axes.label_outer()


def times_the_gradient(table: pd.DataFrame) -> Figure:
    """How large .grad is at step 100, by each of the gradients it may be measured against."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASKS), sharey=True, sharex=True)
    own, first = cells_of(table, "times_own"), cells_of(table, "growth")
    kept, correct = (cells_of(table, "norm_at_step", loop) for loop in ("kept", "reset"))
    series = (
        ("the step's own gradient", ORANGE, own),
        ("the first step's", BLUE, first),
        ("the correct loop's", GREEN, {cell: kept[cell] / correct[cell] for cell in CELLS}),
    )
    for axes, task in zip(panels, TASKS, strict=True):
        axes.set_xscale("log")
        axes.axvspan(
            HUNDREDFOLD.low,
            HUNDREDFOLD.high,
            color="#BBBBBB",
            linewidth=0,
            label="80 to 120, as claimed",
        )
        for shift, (name, colour, cells) in zip((-0.2, 0.0, 0.2), series, strict=True):
            for place, setting in enumerate(SETTINGS):
                label = name if task == TASKS[0] and not place else None
                _interval(axes, place + shift, cells[task, setting], colour, label)
        _of_task(axes, task)
    _name_settings(panels[0])
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=14)
    panels[len(TASKS) // 2].set_xlabel(f"norm of .grad at step {STEP} over that of ...")
    middles = [float(np.median(values)) for values in own.values()]
    figure.suptitle(
        f"Without zero_grad .grad at step {STEP} is 80 to 120 times the step's own gradient\nin "
        f"{len(inside(own, HUNDREDFOLD))} of {len(own)} cells, and {min(middles):.1f} to "
        f"{max(middles):,.0f} times in all (medians of {table['block'].nunique()} seeds with 99 % "
        "intervals)",
        fontsize=18,
    )
    return figure


def _interval(
    axes: Axes, place: float, values: NDArray[np.float64], colour: str, label: str | None
) -> None:
    """The median across and its interval, no wider than the values."""
    middle = median_interval(values)
    ends = [max(middle.low, values.min()), min(middle.high, values.max())]
    axes.plot(ends, [place] * 2, color=colour, linewidth=1.6)
    axes.plot(middle.estimate, place, "D", color=colour, markersize=5, label=label)


def losses_at_the_end(table: pd.DataFrame) -> Figure:
    """The loss at the end of every cell of the grid, with and without zero_grad."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASKS), sharey=True, sharex=True)
    found = {loop: cells_of(table, "share_left", loop) for loop in COLOURS}
    for axes, task in zip(panels, TASKS, strict=True):
        axes.set_xscale("log")
        axes.axvline(1, color=BLACK, linewidth=1.5)
        axes.axvline(DIVERGED, color=ORANGE, linestyle="--", linewidth=1.8)
        for place, setting in enumerate(SETTINGS):
            ends = {loop: float(np.median(found[loop][task, setting])) for loop in COLOURS}
            axes.plot(list(ends.values()), [place] * 2, color="#999999")
            slow = setting in SLOW.get(task, ())
            for loop, shift in zip(COLOURS, (-0.15, 0.15), strict=True):
                of, colour = found[loop][task, setting], COLOURS[loop]
                axes.plot(of, np.full(len(of), place + shift), ".", color=colour, ms=4, alpha=0.4)
                face = "white" if slow else colour
                axes.plot(ends[loop], place, "D", color=colour, markerfacecolor=face)
        _of_task(axes, task)
    _name_settings(panels[0])
    for loop, colour in COLOURS.items():
        panels[0].plot([], [], "D", color=colour, label=NAMES[loop])
    panels[0].plot([], [], "D", color=BLACK, markerfacecolor="white", label="rate too low: beyond")
    panels[0].plot([], [], "--", color=ORANGE, label="diverged")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=15)
    panels[len(TASKS) // 2].set_xlabel("loss at the end, loss at the beginning = 1", fontsize=18)
    figure.suptitle(_ends(table), fontsize=18)
    return figure


def _ends(table: pd.DataFrame) -> str:
    """In how many cells the loss diverges, and the names of those in which it ends lower."""
    left = cells_of(table, "share_left")
    kept, correct = (cells_of(table, "end", loop) for loop in ("kept", "reset"))
    judged = [(task, s) for task, s in CELLS if s not in SLOW.get(task, ())]
    diverged = sum(_placed(left[cell], DIVERGED, np.inf) for cell in judged)
    worse = sum(_placed(kept[cell] / correct[cell], WORSE.low, np.inf) for cell in judged)
    lower = [cell for cell in judged if _placed(kept[cell] / correct[cell], 0.0, 1 / WORSE.low)]
    names = "; ".join(f"{task}, {setting}" for task, setting in lower)
    return (
        f"Without zero_grad the loss diverges in {diverged} of {len(judged)} cells; in {worse} it "
        f"ends 5 % or more above\nthat of the correct loop, in {len(lower)} below it"
        f"{f' ({names})' if lower else ''}\n(dots: {table['block'].nunique()} seeds; diamonds: "
        "medians; cells are counted by their 99 % intervals)"
    )


def _of_task(axes: Axes, task: str) -> None:
    axes.set_title(task.replace(" ", "\n", 1), fontsize=17)
    axes.tick_params(axis="x", labelsize=14)


def _name_settings(axes: Axes) -> None:
    names = [setting.replace(" rate", "") for setting in SETTINGS]
    axes.set_yticks(range(len(names)), names, fontsize=15)
    axes.set_ylabel("optimiser, learning rate", fontsize=17)
    axes.invert_yaxis()


def cells_of(
    table: pd.DataFrame, response: str, loop: str = "kept"
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """A response of every cell of the grid, seed by seed."""
    rows = table[(table["response"] == response) & (table["gradients"] == loop)]
    found: Any = rows.sort_values("block").groupby(["task", "setting"])["value"]
    return {cell: found.get_group(cell).to_numpy(np.float64) for cell in CELLS}


def inside(
    cells: dict[tuple[str, str], NDArray[np.float64]], region: Region
) -> list[tuple[str, str]]:
    """The cells whose 99 % interval lies in a region."""
    return [cell for cell, values in cells.items() if _placed(values, region.low, region.high)]


def _placed(values: NDArray[np.float64], low: float, high: float) -> bool:
    interval = median_interval(values)
    return bool(interval.low >= low and interval.high <= high)
