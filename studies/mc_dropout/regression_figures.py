"""Figures of regressions: the band of a hundred passes around the truth, and how much it covers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, measured_on, told
from studies.mc_dropout.levels import (
    COVERED,
    DIABETES,
    FRIEDMAN,
    NOMINAL,
    PERIODS,
    PLACES,
    RATE,
    SINE,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SIGMAS = 1.96


def sine_with_its_band(table: pd.DataFrame) -> Figure:
    """The mean of the passes, its band, and the function that is to be covered, for one seed."""
    from matplotlib.figure import Figure

    rows = table[table["task"] == SINE]
    figure = Figure()
    panels = figure.subplots(1, len(RATE.levels), sharex=True, sharey=True)
    for axes, rate in zip(panels, RATE.levels, strict=True):
        of_rate = rows[rows["rate"] == rate]
        _band(axes, of_rate)
        covered = told(100 * _values(of_rate, "covers_truth"), ".0f", "%", interval=False)
        axes.set_title(f"dropout {rate:g}:\ncovers {covered}", fontsize=17)
    panels[0].set_ylabel("target")
    panels[1].set_xlabel("input")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    least = _values(rows[rows["rate"] == RATE.levels[0]], "covers_truth")
    covered = told(100 * least, ".0f", "%")
    figure.suptitle(
        f"At a rate of {RATE.levels[0]:g} the band covers the true sine in {covered}\nof test "
        f"rows; calibrated is 95 % (100 passes; drawn: one seed of {table['block'].nunique()},\n"
        f"{measured_on(table)}; above panels: medians of all seeds)",
        fontsize=18,
    )
    return figure


def _band(axes: Axes, rows: pd.DataFrame) -> None:
    x = np.linspace(0, 2 * math.pi * PERIODS, PLACES)
    axes.plot(x, np.sin(x), color=BLACK, linestyle="--", linewidth=1.5, label="true sine")
    axes.axvline(2 * math.pi, color=BLACK, linestyle=":", linewidth=1.5, label="training ends")
    mean, sd = (_along(rows, name) for name in ("mean_at", "sd_at"))
    if mean.size == sd.size == x.size:
        low, high = mean - SIGMAS * sd, mean + SIGMAS * sd
        axes.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=0, label="1.96 sd")
        axes.plot(x, mean, color=BLUE, label="mean of the passes")


def _along(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    """What one seed gave at each place: the first that gave anything."""
    there = rows[(rows["response"] == response) & np.isfinite(rows["value"])]
    one = there[there["block"] == there["block"].min()].sort_values("round")
    values: NDArray[np.float64] = one["value"].to_numpy(np.float64)
    return values


def cover(table: pd.DataFrame) -> Figure:
    """How much is covered, by data, dropout rate and what is to be covered."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(*(100 * edge for edge in COVERED), color=BLACK, alpha=0.1, label="calibrated")
    axes.axhline(100 * NOMINAL, color=BLACK, linestyle="--", linewidth=1.5, label="nominal")
    places = [(task, rate) for task in (SINE, FRIEDMAN, DIABETES) for rate in RATE.levels]
    for response, colour, label, shift in (
        ("covers_truth", BLUE, "true values", -0.15),
        ("covers_target", ORANGE, "noisy targets (beyond the claim)", 0.15),
    ):
        for place, (task, rate) in enumerate(places):
            if response == "covers_truth" and task == DIABETES:
                continue
            rows = table[(table["task"] == task) & (table["rate"] == rate)]
            values = 100 * _values(rows, response)
            first = None if place else label
            draw_blocks(axes, place + shift, values, colour=colour, width=0.1, label=first)
    names = [f"{rate:g}" + (f"\n{task}" if rate == 0.3 else "") for task, rate in places]
    axes.set_xticks(range(len(places)), names, fontsize=15)
    axes.set_xlabel("dropout rate")
    axes.set_ylabel("covered by mean ± 1.96 sd (%)")
    axes.set_ylim(0, 103)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    friedman = table[(table["task"] == FRIEDMAN) & (table["rate"] == RATE.levels[0])]
    figure.suptitle(
        f"Friedman's function, dropout {RATE.levels[0]:g}, 100 passes: "
        f"{told(100 * _values(friedman, 'covers_truth'), '.0f', '%')} of true values covered\n"
        f"(dots: {table['block'].nunique()} seeds, {measured_on(table)}; diamonds: medians with 99 "
        "% intervals)",
        fontsize=18,
    )
    return figure


def _values(rows: pd.DataFrame, response: str) -> NDArray[np.float64]:
    return rows[rows["response"] == response]["value"].to_numpy(np.float64)
