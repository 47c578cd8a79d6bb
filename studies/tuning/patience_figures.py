"""Test loss over epochs, and where early stopping ends a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLUE, ORANGE, told, wide
from studies.tuning.tasks import LISTING, TASK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATES = ((False, BLUE, "constant rate"), (True, ORANGE, "plateau scheduler, patience 3"))
SHOWN = (3, 5, 10, 20)


def curves_and_stops(table: pd.DataFrame) -> Figure:
    """A panel a task: bands over seeds of both rates, and the median epoch of each stop."""
    from matplotlib.figure import Figure

    table = table[table["regulariser"] == "none"]
    figure = Figure()
    panels = figure.subplots(2, 2, sharex=True).flat
    for task, axes in zip(TASK.levels, panels, strict=True):
        rows = table[table["task"] == task]
        for scheduler, colour, label in RATES:
            _curve(axes, rows[rows["scheduler"] == scheduler], colour, label)
        _stops(axes, rows[rows["scheduler"] == True])  # noqa: E712 - a column of booleans
        axes.set_title(TASK.say(task), fontsize=15)
        axes.tick_params(labelsize=13)
    for axes in figure.axes[2:]:
        axes.set_xlabel("epoch", fontsize=15)
    for axes in figure.axes[::2]:
        axes.set_ylabel("test loss (nat)", fontsize=15)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=14,
    )
    figure.suptitle(_title(table), fontsize=16)
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    rows = rows[(rows["response"] == "curve") & (rows["patience"] == rows["patience"].max())]
    losses = wide(rows, index="round", columns="block").to_numpy(np.float64)
    if not np.isfinite(losses).any():
        return
    epochs = 1 + np.arange(len(losses))
    axes.plot(epochs, np.nanmedian(losses, axis=1), color=colour, label=label)
    low, high = np.nanquantile(losses, [0.1, 0.9], axis=1)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    start = float(np.nanmedian(losses, axis=1)[min(2, len(losses) - 1)])
    axes.set_ylim(0, 1.05 * start)


def _stops(axes: Axes, rows: pd.DataFrame) -> None:
    for patience in SHOWN:
        stops = rows[(rows["response"] == "epochs") & (rows["patience"] == patience)]["value"]
        stops = stops[np.isfinite(stops)]
        if not len(stops):
            continue
        place = float(stops.median())
        axes.axvline(place, color="#777777", linestyle=":", linewidth=1.5)
        axes.text(
            place,
            0.98,
            f"{patience} ",
            transform=axes.get_xaxis_transform(),
            ha="right",
            va="top",
            fontsize=13,
        )


def _title(table: pd.DataFrame) -> str:
    rows = table[(table["task"] == LISTING) & (table["scheduler"] == True)]  # noqa: E712
    losses = wide(rows[rows["response"] == "test_loss"], index="block", columns="patience")
    epochs = wide(rows[rows["response"] == "epochs"], index="block", columns="patience")
    over = 100 * (losses[5] / losses[20] - 1)
    return (
        f"On listing 3's data a patience of 5 stops after {told(epochs[5], '.0f', 'epochs')};\n"
        f"against one of 20 its test loss is {told(over, '+.1f', '%')}\n"
        "(dotted: median stop with the scheduler, by patience; lines: medians of "
        f"{table['block'].nunique()} seeds; bands: 10 to 90 %; CPU)"
    )
