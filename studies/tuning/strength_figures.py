"""What the losses do along the scale of strengths, and what the gap says of overfitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, GREEN, ORANGE, VERMILION, told, wide
from studies.tuning.choices import CHOSEN_DECAY
from studies.tuning.ladder import DECAYS, LEARNING, NONE, decay_of
from studies.tuning.tasks import LISTING, TASK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = (
    ("train_loss", ORANGE, "training loss, last epoch"),
    ("test_loss", BLUE, "test loss, last epoch"),
    ("best_test_loss", GREEN, "test loss, epoch kept by validation"),
)
#: Where no decay stands on the logarithmic axis.
NOWHERE = DECAYS[0] / 10
COLOURS = (BLUE, ORANGE, GREEN, VERMILION)
TIMES = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)


def losses_against_decay(table: pd.DataFrame) -> Figure:
    """Training and test loss of each task over the decays, as bands over seeds."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 2, sharex=True).flat
    for task, axes in zip(TASK.levels, panels, strict=True):
        rows = table[table["task"] == task]
        for response, colour, label in CURVES:
            _band(axes, rows[rows["response"] == response], colour, label)
        axes.axvspan(1e-4, 1e-2, color=BLACK, alpha=0.08, label="the document's decays")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(TASK.say(task), fontsize=15)
        axes.set_xticks(
            [NOWHERE, 1e-4, 1e-2, 1, 40], ["none", "0.0001", "0.01", "1", "40"], fontsize=13
        )
        axes.minorticks_off()
        axes.tick_params(axis="y", labelsize=13)
    for axes in figure.axes[2:]:
        axes.set_xlabel("weight decay (AdamW, rate 0.001)", fontsize=15)
    for axes in figure.axes[::2]:
        axes.set_ylabel("loss (nat)", fontsize=15)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=13,
    )
    figure.suptitle(_decay_title(table), fontsize=16)
    return figure


def _band(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    found = wide(rows, index="strength", columns="block")
    values = found.reindex([NONE, *map(decay_of, DECAYS)]).to_numpy(np.float64)
    x = np.array([NOWHERE, *DECAYS])
    there = np.isfinite(values).any(axis=1)
    if not there.any():
        return
    x, values = x[there], values[there]
    axes.plot(x, np.nanmedian(values, axis=1), color=colour, label=label)
    low, high = np.nanquantile(values, [0.1, 0.9], axis=1)
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)


def _decay_title(table: pd.DataFrame) -> str:
    rows = table[(table["task"] == LISTING) & (table["response"] == "test_loss")]
    values = wide(rows, index="block", columns="strength")
    document = 100 * (values[decay_of(1e-3)] / values[NONE] - 1)
    best = 100 * (values[CHOSEN_DECAY] / values[NONE] - 1)
    return (
        "On listing 3's data a decay of 0.001 changes the last test loss by "
        f"{told(document, '+.1f')} %,"
        f"\nthe decay that validation rows choose by {told(best, '+.1f')} %\n"
        f"(lines: medians of {table['block'].nunique()} seeds; bands: 10 to 90 % of them; CPU)"
    )


def gap_against_overfitting(table: pd.DataFrame) -> Figure:
    """How far above its lowest on the way the test loss ends, over the gap in accuracy."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["strength"].isin(LEARNING)]
    for task, colour in zip(TASK.levels, COLOURS, strict=True):
        gaps, risen = (
            wide(
                rows[(rows["task"] == task) & (rows["response"] == f"{_labels(task)}{what}")],
                index="strength",
                columns="block",
            ).to_numpy(np.float64)
            for what in ("gap", "risen")
        )
        if gaps.shape != risen.shape or not np.isfinite(gaps).any():
            continue
        axes.plot(
            100 * gaps.ravel(),
            risen.ravel(),
            ".",
            color=colour,
            markersize=5,
            alpha=0.5,
            label=_with_labels(task),
        )
    axes.set_xlabel("training less test accuracy after the last epoch (points)")
    axes.set_ylabel("test loss at the end over its lowest on the way", fontsize=15)
    axes.set_yscale("log")
    highest = axes.get_ylim()[1]
    ticks = [times for times in TIMES if times <= highest]
    axes.set_yticks(ticks, [f"{times:g}" for times in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=13, markerscale=3)
    there = table[table["strength"] == NONE]
    tells = {
        task: there[(there["task"] == task) & (there["response"] == f"{_labels(task)}gap_tells")]
        for task in TASK.levels
    }
    figure.suptitle(
        "Within a seed, the gap in accuracy ranks strengths by overfitting with\n"
        "a rank correlation of "
        + "; ".join(
            f"{told(found['value'], interval=False)} ({TASK.say(task)})"
            for task, found in tells.items()
        )
        + f"\n(a dot: a seed at one strength; {table['block'].nunique()} seeds, CPU)",
        fontsize=14,
    )
    return figure


def _labels(task: str) -> str:
    """How the responses begin that are shown of a task: with wrong labels but for listing 3's."""
    return "" if task == LISTING else "wrong_"


def _with_labels(task: str) -> str:
    wrong = "" if task == LISTING else ", a quarter of the labels wrong"
    return TASK.say(task) + wrong
