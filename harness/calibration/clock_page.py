"""The clock's calibration as a table, a page and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.calibration.burner import BURSTS, NOTHING
from harness.design.claims import CONFIDENCE
from harness.figures.style import BLACK, BLUE, ORANGE, save_figure, slide_style
from harness.files import write_bytes
from harness.meters.machine import machine_in_words
from harness.publishing.markdown import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Of a hundred repetitions, at most so many may be flagged.
MOST_FLAGGED = 0.01
#: The half-width aimed at, as a share of the ratio, within so many seconds of measuring.
HALF_WIDTH, WITHIN_SECONDS = 0.005, 10.0
#: How much of a block must be spent in calls.
LEAST_IN_CALLS = 0.9

COLOURS = {NOTHING: BLUE, BURSTS: ORANGE}


def write_clock_trials(results: Path, table: pd.DataFrame) -> list[Path]:
    """Write ``clock.csv``, ``clock.md``, ``clock.svg`` and ``clock.png``.

    Args:
        results: the folder.
        table: as ``harness.calibration.clock_trials`` measured it.

    Raises:
        HarnessError: the folder cannot be written.
    """
    csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    paths = [results / "clock.csv", results / "clock.md"]
    write_bytes(paths[0], csv.encode())
    write_bytes(paths[1], page(table).encode())
    with slide_style():
        return [*paths, *save_figure(clock_figure(table), results / "clock")]


def page(table: pd.DataFrame) -> str:
    """The page, in Markdown; every number on it is calculated from the table."""
    whole = _whole(table)
    return render(
        "clock.md.jinja",
        outcome=outcome(table)[1],
        repetitions=len(whole),
        blocks=int(whole["blocks"].iloc[0]),
        rounds=int(whole["rounds"].iloc[0]),
        call=f"{1e6 * whole['seconds_a_call'].median():.0f}",
        in_calls=f"{100 * whole['in_calls'].median():.1f}",
        starting=f"{whole['starting_seconds'].median():.1f}",
        measuring=f"{whole['measuring_seconds'].median():.1f}",
        widths=widths(table).to_dict("records"),
        machine=machine_in_words(),
        confidence=f"{100 * CONFIDENCE:g}",
    )


def widths(table: pd.DataFrame) -> pd.DataFrame:
    """Half-widths (in %) and flags by what ran beside and by measuring time (in s)."""
    rows = [
        {
            "beside": beside,
            "seconds": f"{of['measuring_seconds'].median():.2g}",
            "repetitions": len(of),
            "median": f"{100 * half_widths(of).median():.2f}",
            "most": f"{100 * half_widths(of).quantile(0.9):.2f}",
            "flagged": int(of["flagged"].sum()),
        }
        for (beside, _), of in table.groupby(["beside", "rounds"], sort=True)
    ]
    return pd.DataFrame(rows)


def half_widths(rows: pd.DataFrame) -> pd.Series[float]:
    """Half of each interval, as a share of the ratio it is about."""
    halves: pd.Series[float] = (rows["high"] - rows["low"]) / 2
    return halves


def outcome(table: pd.DataFrame) -> tuple[bool, str]:
    """Whether the clock does what it must, and the sentence that says so."""
    whole = _whole(table)
    flagged, width = int(whole["flagged"].sum()), float(half_widths(whole).median())
    in_calls = float(whole["in_calls"].median())
    seconds = float(whole["measuring_seconds"].median())
    enough = flagged <= MOST_FLAGGED * len(whole)
    narrow = width <= HALF_WIDTH and seconds <= WITHIN_SECONDS
    busy = in_calls >= LEAST_IN_CALLS
    return enough and narrow and busy, (
        f"{_word(enough)}: {flagged} of {len(whole)} comparisons of a thing with itself were "
        f"flagged as a difference (at most {MOST_FLAGGED:.0%}). {_word(narrow)}: the median "
        f"half-width of the {100 * CONFIDENCE:g} % interval is {100 * width:.2f} % after "
        f"{seconds:.1f} s of measuring (aim: {100 * HALF_WIDTH:g} % within {WITHIN_SECONDS:g} s). "
        f"{_word(busy)}: {100 * in_calls:.1f} % of a block's time went to calls "
        f"(at least {LEAST_IN_CALLS:.0%})."
    )


def clock_figure(table: pd.DataFrame) -> Figure:
    """Half-width of the interval against measuring time, each repetition a point."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    figure = Figure()
    axes = figure.subplots()
    for beside, colour in COLOURS.items():
        of = table[table["beside"] == beside]
        axes.plot(of["measuring_seconds"], 100 * half_widths(of), ".", color=colour, alpha=0.35)
        typical = [
            (rows["measuring_seconds"].median(), 100 * half_widths(rows).median())
            for _, rows in of.groupby("rounds")
        ]
        axes.plot(*np.transpose(typical), "D-", color=colour, label=f"beside {beside}: median")
    axes.axhline(100 * HALF_WIDTH, color=BLACK, linestyle="--", label="aim")
    axes.set(xscale="log", yscale="log", xlabel="seconds of measuring")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator((0.1, 0.2, 0.5, 1, 2, 5, 10, 20)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"half-width of the {100 * CONFIDENCE:g} % interval (%)")
    whole = _whole(table)
    axes.set_title(
        f"One call of {1e6 * whole['seconds_a_call'].median():.0f} µs against itself: "
        f"{int(whole['flagged'].sum())} of {len(whole)} experiments see a difference"
    )
    axes.legend()
    return figure


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    whole: pd.DataFrame = table[table["rounds"] == table["rounds"].max()]
    return whole


def _word(met: bool) -> str:
    return "Met" if met else "Missed"
