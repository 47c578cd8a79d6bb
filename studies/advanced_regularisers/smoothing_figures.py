"""Figures of label smoothing: reliability, calibration, wrong labels, and speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    device_of,
    draw_blocks,
    told,
    wide,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AMOUNTS = ((0.0, BLACK), (0.1, ORANGE), (0.2, SKY), (0.3, BLUE))
HARD, DEFAULT, STRONG, WRONG = 0.0, 0.1, 0.3, 0.3
DIGITS = "digits, perceptron"
SHORT = {
    "digits, convolutions": "digits,\nCNN",
    "digits, perceptron": "digits,\nMLP",
    "listing 3, perceptron": "listing 3,\nMLP",
}
FEW = 30  # test rows of all seeds together: a bin of fewer is not drawn


def name_of(smoothing: float) -> str:
    """A smoothing in words."""
    return f"smoothing {smoothing:g}" if smoothing else "hard labels"


def _legend(figure: Figure, axes: Axes, amounts: tuple[tuple[float, str], ...] = AMOUNTS) -> None:
    handles = [axes.plot([], [], "D-", color=colour)[0] for _, colour in amounts]
    names = [name_of(smoothing) for smoothing, _ in amounts]
    figure.legend(handles, names, loc="outside lower center", ncols=4)


def _seeds(table: pd.DataFrame) -> str:
    return f"{device_of(table)}; dots: {table['block'].nunique()} seeds"


def reliability_curves(table: pd.DataFrame) -> Figure:
    """Accuracy by confidence, all seeds together, on clean labels and on wrong ones."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    of_task = table[table["task"] == DIGITS]
    for axes, wrong in zip(panels, (0.0, WRONG), strict=True):
        for smoothing, colour in AMOUNTS:
            at = (of_task["wrong"] == wrong) & (of_task["smoothing"] == smoothing)
            _curve(axes, of_task[at], colour)
        axes.plot([0, 1], [0, 1], color=BLACK, linestyle="--", linewidth=1)
        axes.set_xlabel("confidence")
        axes.set_title("30 % wrong labels" if wrong else "clean labels", fontsize=18)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
    panels[0].set_ylabel("accuracy of test rows")
    panels[0].text(0.98, 0.03, "too sure below the line", fontsize=14, ha="right")
    _legend(figure, panels[0])
    clean = table[(table["task"] == DIGITS) & (table["wrong"] == 0.0)]
    errors = wide(clean[clean["response"] == "ece"], index="block", columns="smoothing")
    hard, default = (errors[each].to_numpy(np.float64) for each in (HARD, DEFAULT))
    figure.suptitle(
        f"On clean labels the calibration error goes from {told(hard, '.3f', interval=False)} to "
        f"{told(default, '.3f', interval=False)} with smoothing 0.1:\n"
        f"by {told(default - hard, '+.3f')}\n"
        f"(digits, perceptron, {device_of(table)}; {table['block'].nunique()} seeds together)",
        fontsize=18,
    )
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    bins = wide(rows, index=["block", "round"], columns="response")
    if not {"bin_rows", "bin_confidence", "bin_accuracy"} <= set(bins.columns):
        return
    bins = bins[bins["bin_rows"] > 0]
    weights = bins["bin_rows"]
    by_bin = {
        name: (bins[name] * weights).groupby("round").sum() / weights.groupby("round").sum()
        for name in ("bin_confidence", "bin_accuracy")
    }
    enough = weights.groupby("round").sum() >= FEW
    axes.plot(by_bin["bin_confidence"][enough], by_bin["bin_accuracy"][enough], "D-", color=colour)


def calibration(table: pd.DataFrame) -> Figure:
    """The expected calibration error of every classifier, by smoothing."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    rows = table[table["response"] == "ece"]
    tasks = sorted(set(table["task"]))
    for axes, wrong in zip(panels, (0.0, WRONG), strict=True):
        for place, task in enumerate(tasks):
            for shift, (smoothing, colour) in zip((-0.3, -0.1, 0.1, 0.3), AMOUNTS, strict=True):
                at = (rows["task"] == task) & (rows["wrong"] == wrong)
                values = rows[at & (rows["smoothing"] == smoothing)]["value"].to_numpy(np.float64)
                if len(values):
                    draw_blocks(axes, place + shift, values, colour=colour, width=0.07)
        axes.set_xticks(range(len(tasks)), [task.replace(", ", ",\n") for task in tasks], size=13)
        axes.set_title("30 % wrong labels" if wrong else "clean labels", fontsize=18)
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel("expected calibration error")
    _legend(figure, panels[0])
    figure.suptitle(_calibration_headline(rows, table), fontsize=18)
    return figure


def _calibration_headline(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    changes = []
    for wrong in (0.0, WRONG):
        of_one = rows[(rows["task"] == DIGITS) & (rows["wrong"] == wrong)]
        found = wide(of_one, index="block", columns="smoothing")
        changes.append(told((found[DEFAULT] - found[HARD]).to_numpy(np.float64), "+.3f"))
    return (
        f"Smoothing 0.1 changes the calibration error of the digits' perceptron\n"
        f"by {changes[0]} on clean labels,\n"
        f"by {changes[1]} where 30 % are wrong ({_seeds(table)})"
    )


def memorised(table: pd.DataFrame) -> Figure:
    """The share of the wrong labels that a net has learnt, and its accuracy on clean rows."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2)
    noisy = table[table["wrong"] == WRONG]
    tasks = sorted(set(table["task"]))
    for axes, response in zip(panels, ("memorised", "accuracy_last"), strict=True):
        rows = noisy[noisy["response"] == response]
        for place, task in enumerate(tasks):
            for shift, (smoothing, colour) in zip((-0.3, -0.1, 0.1, 0.3), AMOUNTS, strict=True):
                at = (rows["task"] == task) & (rows["smoothing"] == smoothing)
                values = 100 * rows[at]["value"].to_numpy(np.float64)
                if len(values):
                    draw_blocks(axes, place + shift, values, colour=colour, width=0.07)
        axes.set_xticks(range(len(tasks)), [task.replace(", ", ",\n") for task in tasks], size=13)
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel("wrong labels that the net has learnt (%)", fontsize=17)
    panels[1].set_ylabel("accuracy on clean test rows, last epoch (%)", fontsize=17)
    _legend(figure, panels[0])
    of_task = noisy[(noisy["task"] == DIGITS) & (noisy["response"] == "memorised")]
    found = 100 * wide(of_task, index="block", columns="smoothing")
    hard, default = (found[each].to_numpy(np.float64) for each in (HARD, DEFAULT))
    as_hard = told(hard, ".0f", "%", interval=False)
    figure.suptitle(
        f"Of the wrong labels the digits' perceptron learns {as_hard} as hard labels,\n"
        f"{told(default, '.0f', '%')} with smoothing 0.1\n"
        f"(three labels of ten are wrong; {_seeds(table)}; diamonds: medians)",
        fontsize=18,
    )
    return figure


def convergence(table: pd.DataFrame) -> Figure:
    """Accuracy on validation rows by epoch, and the epochs to the target of each seed."""
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    amounts = tuple(pair for pair in AMOUNTS if pair[0] != 0.2)
    curves = table[(table["response"] == "curve") & (table["task"] == DIGITS)]
    curves = curves[curves["optimiser"] == "AdamW"]
    for smoothing, colour in amounts:
        of_one = curves[curves["smoothing"] == smoothing].groupby("round")["value"]
        low, middle, high = (100 * of_one.quantile(q) for q in (0.1, 0.5, 0.9))
        epochs = middle.index.to_numpy() + 1
        left.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
        left.plot(epochs, middle, color=colour)
    left.set_xlabel("epoch")
    left.set_ylabel("validation accuracy (%)")
    left.set_title("digits, perceptron, AdamW; bands: middle 80 %", fontsize=15)
    ratios = table[table["response"] == "epochs"]
    arms = sorted(set(zip(ratios["task"], ratios["optimiser"], strict=True)))
    for place, (task, optimiser) in enumerate(arms):
        at = (ratios["task"] == task) & (ratios["optimiser"] == optimiser)
        found = wide(ratios[at], index="block", columns="smoothing")
        for shift, base, colour in ((-0.15, DEFAULT, ORANGE), (0.15, HARD, GREEN)):
            values = (found[STRONG] / found[base]).to_numpy(np.float64)
            label = None if place else f"over {name_of(base)}"
            draw_blocks(right, place + shift, values, colour=colour, width=0.08, label=label)
    right.axhline(1, color=BLACK, linewidth=1)
    right.axhline(1.2, color=BLACK, linestyle="--", linewidth=1.5)
    names = [f"{SHORT.get(task, task)}\n{optimiser}" for task, optimiser in arms]
    right.set_xticks(range(len(arms)), names, size=13)
    right.set_ylabel("epochs with smoothing 0.3, as a ratio", fontsize=17)
    right.legend(loc="upper left")
    right.grid(visible=False, axis="x")
    _legend(figure, left, amounts)
    figure.suptitle(_convergence_headline(ratios, table), fontsize=18)
    return figure


def _convergence_headline(ratios: pd.DataFrame, table: pd.DataFrame) -> str:
    at = (ratios["task"] == DIGITS) & (ratios["optimiser"] == "AdamW")
    found = wide(ratios[at], index="block", columns="smoothing")
    ratio = (found[STRONG] / found[DEFAULT]).to_numpy(np.float64)
    return (
        f"Smoothing 0.3 takes {told(ratio)} times as many epochs as 0.1\n"
        "to nine tenths of hard labels' best accuracy (digits, perceptron, AdamW,\n"
        f"30 % wrong labels; {_seeds(table)}; diamonds: medians with 99 % intervals)"
    )
