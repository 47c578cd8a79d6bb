"""Figures of classifiers: whether confidences come true, and what refusing rows gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, measured_on, told
from studies.mc_dropout.levels import CANCER, CNN, LISTING, PERCEPTRON, REFUSED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TASKS, RATE = (PERCEPTRON, CNN, CANCER, LISTING), 0.5
FEWEST = 20  # rows, of all seeds together, for which a bin is drawn


def reliability_curves(table: pd.DataFrame) -> Figure:
    """How often the favoured class is right, by how sure the network is of it."""
    from matplotlib.figure import Figure

    rows = table[table["rate"] == RATE]
    figure = Figure()
    panels = figure.subplots(1, len(TASKS), sharex=True, sharey=True)
    for axes, task in zip(panels, TASKS, strict=True):
        _reliability(axes, rows[rows["task"] == task])
        axes.set_title(task.replace(", ", ",\n"), fontsize=16)
    panels[0].set_ylabel("share of rows that are right")
    panels[1].set_xlabel("confidence (probability of the favoured class)", loc="left")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    excess = _values(rows[rows["task"] == CNN], "excess_ece")
    figure.suptitle(
        f"Digits, CNN: calibration error of the mean of 100 passes {told(excess, '.3f')}\nabove "
        f"chance's; at most 0.05 is calibrated (dropout {RATE:g}, {measured_on(table)};\nbins with "
        f"{FEWEST} rows or more of {table['block'].nunique()} seeds together; bands: middle 80 % "
        "of seeds)",
        fontsize=18,
    )
    return figure


def _reliability(axes: Axes, rows: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=BLACK, linestyle="--", linewidth=1.5, label="calibrated")
    for prefix, colour, label in (
        ("", BLUE, "mean of 100 passes"),
        ("eval_", ORANGE, "one pass in eval mode"),
    ):
        count, confident, right = (
            _by_bin(rows, f"{prefix}bin_{name}") for name in ("rows", "confidence", "right")
        )
        if not count.size:
            continue
        total = count.sum(axis=0)
        there = total >= FEWEST
        place = confident.sum(axis=0)[there] / total[there]
        with np.errstate(invalid="ignore"):
            seeds = right[:, there] / np.where(count[:, there] > 0, count[:, there], np.nan)
        low, high = np.nanquantile(seeds, (0.1, 0.9), axis=0) if there.any() else ([], [])
        axes.fill_between(place, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(place, right.sum(axis=0)[there] / total[there], "o-", color=colour, label=label)
    axes.set_xlim(0, 1.02)
    axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    axes.set_ylim(0, 1.02)


def _by_bin(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    """Shape (seeds, bins), of the seeds that gave numbers."""
    of_one = rows[(rows["response"] == response) & np.isfinite(rows["value"])]
    wide = of_one.pivot_table(index="block", columns="round", values="value")
    values: NDArray[np.float64] = wide.dropna().to_numpy(np.float64)
    return values


def accuracy_when_refusing(table: pd.DataFrame) -> Figure:
    """The error rate of the rows that are kept, by the share that is refused."""
    from matplotlib.figure import Figure

    rows = table[table["rate"] == RATE]
    figure = Figure()
    panels = figure.subplots(1, len(TASKS), sharex=True)
    for axes, task in zip(panels, TASKS, strict=True):
        _refusing(axes, rows[rows["task"] == task])
        axes.set_title(task.replace(", ", ",\n"), fontsize=16)
    panels[0].set_ylabel("error rate of the rows kept (%)")
    for axes in panels:
        axes.set_xlabel("rows refused (%)", fontsize=16)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    areas = _values(rows[rows["task"] == CNN], "auroc")
    figure.suptitle(
        f"Digits, CNN: a wrong row has the larger variance in {told(100 * areas, '.0f', '%')}\n"
        f"of pairs; useful is 70 % or more, chance 50 % (100 passes, dropout {RATE:g}, "
        f"{measured_on(table)};\nlines: medians of {table['block'].nunique()} seeds; bands: their "
        "middle 80 %)",
        fontsize=18,
    )
    return figure


def _refusing(axes: Axes, rows: pd.DataFrame) -> None:
    percent = 100 * np.array(REFUSED)
    middle = np.full(len(percent), np.nan)
    for response, colour, label in (
        ("kept_error", BLUE, "by the variance of 100 passes"),
        ("kept_error_eval", ORANGE, "by the confidence in eval mode"),
    ):
        errors = 100 * _by_bin(rows, response)
        if not errors.size:
            continue
        low, middle_now, high = np.quantile(errors, (0.1, 0.5, 0.9), axis=0)
        axes.fill_between(percent, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(percent, middle_now, color=colour, label=label)
        if response == "kept_error":
            middle = middle_now
    chance = np.full(len(percent), middle[0])
    axes.plot(percent, chance, color=BLACK, linestyle="--", linewidth=1.5, label="at random")
    axes.set_ylim(bottom=0)


def _values(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    return rows[rows["response"] == response]["value"].to_numpy(np.float64)
