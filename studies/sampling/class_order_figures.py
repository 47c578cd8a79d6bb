"""The figures of ``class_order``: the loss batch by batch, and what the networks lean to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLUE, GREEN, ORANGE, draw_blocks, told
from studies.sampling.classes import BLOCK, HALVES, PATTERNS
from studies.sampling.orders import RATES, REVERSED, SHUFFLED, STORED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLOURS = {STORED: ORANGE, REVERSED: GREEN, SHUFFLED: BLUE}


def loss_by_order(table: pd.DataFrame) -> Figure:
    """The loss of every batch, class by class and shuffled, with bands over trainings."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    shown = table[(table["task"] == PATTERNS) & (table["optimiser"] == "Adam")]
    for read in (STORED, SHUFFLED):
        rows = shown[(shown["response"] == "batch_loss") & (shown["read"] == read)]
        losses = rows.pivot_table(index="round", columns="block", values="value")
        if losses.empty:
            axes.plot([], color=COLOURS[read], label=f"{read}: failed")
            continue
        steps = losses.index.to_numpy() + 1
        low, middle, high = (losses.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
        axes.fill_between(steps, low, high, color=COLOURS[read], alpha=0.25, linewidth=0)
        axes.plot(steps, middle, color=COLOURS[read], linewidth=1.8, label=read)
        for change in range(BLOCK, len(steps), BLOCK) if read == STORED else ():
            axes.axvline(change, color="#BBBBBB", linewidth=1, zorder=0)
    axes.set_xlabel(f"batch (of 32; grey lines: the class changes, every {BLOCK} batches)")
    axes.set_ylabel("loss of the batch (nat)")
    axes.legend(loc="upper right")
    jump, usual = (_values(table, PATTERNS, "Adam", read, "swing") for read in (STORED, SHUFFLED))
    with np.errstate(divide="ignore", invalid="ignore"):
        times = jump / usual
    figure.suptitle(
        f"Where the class changes the loss jumps by {told(times, '.1f')}\ntimes the range of a "
        f"shuffled epoch (two patterns, Adam; lines and bands:\nmedian and middle 80 %, "
        f"n = {table['block'].nunique()} trainings, CPU)",
        fontsize=19,
    )
    return figure


def lean_by_order(table: pd.DataFrame) -> Figure:
    """What is predicted after a run of one class, for each set, optimiser and order."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    settings = [(task, name) for task in (PATTERNS, HALVES) for name in RATES]
    for read, shift in ((STORED, -0.22), (REVERSED, 0.0), (SHUFFLED, 0.22)):
        for place, (task, optimiser) in enumerate(settings):
            shares = 50 + 100 * _values(table, task, optimiser, read, "lean")
            if not len(shares):
                continue  # no such arm
            label = read if place == 0 else None
            draw_blocks(axes, place + shift, shares, colour=COLOURS[read], width=0.08, label=label)
    axes.axhline(50, color="#555555", linewidth=1.5, linestyle="--")
    axes.text(-0.45, 45, "the share that is of it", fontsize=14, color="#555555")
    names = [f"{task}\n{name}".replace(" and ", "\nand ") for task, name in settings]
    axes.set_xticks(range(len(settings)), names, fontsize=14)
    axes.set_ylim(40, 104)
    axes.set_ylabel("held-out images taken for\nthe class just shown, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    shares = 50 + 100 * _values(table, PATTERNS, "Adam", STORED, "lean")
    figure.suptitle(
        f"After 50 batches of one class {told(shares, '.0f', '%')} of held-out\nimages are taken "
        f"for it, whichever class it is (two patterns, Adam;\n"
        f"dots: n = {table['block'].nunique()} trainings, CPU)",
        fontsize=19,
    )
    return figure


def _values(
    table: pd.DataFrame, task: str, optimiser: str, read: str, response: str
) -> NDArray[np.float64]:
    """One a block, in the order of blocks."""
    mine = table[(table["task"] == task) & (table["optimiser"] == optimiser)]
    mine = mine[(mine["read"] == read) & (mine["response"] == response)]
    return mine.sort_values("block")["value"].to_numpy(np.float64)
