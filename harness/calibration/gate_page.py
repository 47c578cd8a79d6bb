"""The calibration of the gate as a table, a page and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.calibration.burner import BURSTS, NOTHING
from harness.calibration.resumable_trials import MACHINE, in_words
from harness.figures.style import BLACK, BLUE, ORANGE, save_figure, slide_style
from harness.files import write_bytes
from harness.judging.intervals import frequency_interval
from harness.publishing.markdown import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "gate.csv"
#: So many trials are to be carried out, half of them quiet: 50 of each planted slow-down, beside
#: nothing and beside a burning process.
PLANNED = 100
#: Of a thing against itself, at most this share may be called slower or faster.
MOST_FALSE = 0.01
#: Of slow-downs of this many percent and more, at least this share must be called slower.
SEEN_FROM, LEAST_SEEN = 3, 0.95
#: A slow-down within the margin must never be called one.
WITHIN_MARGIN = 1
#: A benchmark may take so many seconds, all told.
MOST_SECONDS = 15.0
COLOURS = {NOTHING: BLUE, BURSTS: ORANGE}
MARKS = {NOTHING: "o-", BURSTS: "s--"}


def write_gate(results: Path, table: pd.DataFrame) -> list[Path]:
    """Write ``gate.md``, ``gate.svg`` and ``gate.png`` beside ``gate.csv``.

    Raises:
        HarnessError: the folder cannot be written.
    """
    write_bytes(results / "gate.md", page(table).encode())
    with slide_style():
        figures = save_figure(gate_figure(table), results / "gate")
    return [results / NAME, results / "gate.md", *figures]


def page(table: pd.DataFrame) -> str:
    """The page, in Markdown; every number on it is calculated from the table."""
    return render(
        "gate.md.jinja",
        outcome=outcome(table)[1],
        trials=table["trial"].nunique(),
        planned=PLANNED,
        alarms=false_alarms(table).to_dict("records"),
        seen=sensitivity(table).to_dict("records"),
        seconds=f"{table['seconds'].median():.1f}",
        measured_with=in_words(table),
        machines=by_machine(table).to_dict("records"),
        most=f"{100 * MOST_FALSE:g}",
        least=f"{100 * LEAST_SEEN:g}",
        within=WITHIN_MARGIN,
        seen_from=SEEN_FROM,
    )


def false_alarms(table: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of a thing with itself, by what ran beside."""
    same = table[table["planted"] == 0]
    return pd.DataFrame([_counts(str(beside), rows) for beside, rows in same.groupby("beside")])


def sensitivity(table: pd.DataFrame) -> pd.DataFrame:
    """Planted slow-downs, by their size and what ran beside."""
    planted = _planted(table)
    return pd.DataFrame(
        [
            {"planted": planted_percent, **_counts(str(beside), rows)}
            for (planted_percent, beside), rows in planted.groupby(["planted", "beside"])
        ]
    )


def by_machine(table: pd.DataFrame) -> pd.DataFrame:
    """What was called slower on each machine by itself, of how many, in the order they came."""
    return pd.DataFrame(
        [_of_machine(str(name), rows) for name, rows in table.groupby(MACHINE, sort=False)]
    )


def _planted(table: pd.DataFrame) -> pd.DataFrame:
    """The benchmarks in which head does a known share more, that of nothing among them."""
    return table[table["benchmark"].str.startswith("planted")]


def _of_machine(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    itself = rows[rows["planted"] == 0]
    planted = _planted(rows)
    small = planted[planted["planted"] == WITHIN_MARGIN]
    large = planted[planted["planted"] >= SEEN_FROM]
    return {
        "machine": name,
        "trials": rows["trial"].nunique(),
        "false": f"{int(itself['verdict'].isin(['slower', 'faster']).sum())} of {len(itself)}",
        "within": f"{int((small['verdict'] == 'slower').sum())} of {len(small)}",
        "seen": f"{int((large['verdict'] == 'slower').sum())} of {len(large)}",
        "seconds": f"{rows['seconds'].median():.1f}",
    }


def _counts(beside: str, rows: pd.DataFrame) -> dict[str, Any]:
    slower, faster = (rows["verdict"] == "slower"), (rows["verdict"] == "faster")
    undecided = rows["verdict"].isin(["inconclusive", "not measured"])
    interval = frequency_interval(np.asarray(slower, np.float64))
    return {
        "beside": beside,
        "comparisons": len(rows),
        "slower": int(slower.sum()),
        "faster": int(faster.sum()),
        "inconclusive": int(undecided.sum()),
        "share": f"{100 * interval.estimate:.1f}",
        "interval": f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
        "half_width": f"{50 * (rows['high'] - rows['low']).median():.2f}",
    }


def outcome(table: pd.DataFrame) -> tuple[bool, str]:
    """Whether the gate does what it must, and the sentence that says so."""
    alarms = false_alarms(table)
    wrong, same = (
        int(alarms["slower"].sum() + alarms["faster"].sum()),
        int(alarms["comparisons"].sum()),
    )
    quiet = wrong <= MOST_FALSE * same
    planted = _planted(table)
    small = planted[planted["planted"] <= WITHIN_MARGIN]
    cried = int((small["verdict"] == "slower").sum())
    large = planted[planted["planted"] >= SEEN_FROM]
    shares = [
        float((rows["verdict"] == "slower").mean())
        for _, rows in large.groupby(["planted", "beside"])
    ]
    least = min(shares, default=0.0)
    seconds = float(table["seconds"].median())
    in_time = seconds <= MOST_SECONDS
    met = quiet and cried == 0 and least >= LEAST_SEEN and in_time
    return met, (
        f"{_word(quiet)}: {wrong} of {same} comparisons of a thing with itself were called slower "
        f"or faster (at most {MOST_FALSE:.0%}). {_word(cried == 0)}: {cried} of {len(small)} "
        f"slow-downs of 0 and {WITHIN_MARGIN} % were called slower (none may be). "
        f"{_word(least >= LEAST_SEEN)}: of those of {SEEN_FROM} % and more, {least:.0%} were in "
        f"the worst case (at least {LEAST_SEEN:.0%}). {_word(in_time)}: a benchmark took "
        f"{seconds:.1f} s, all told (at most {MOST_SECONDS:g} s)."
    )


def gate_figure(table: pd.DataFrame) -> Figure:
    """The share called slower against what was planted."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    planted = _planted(table)
    for beside, of in planted.groupby("beside"):
        shares = of.groupby("planted")["verdict"].agg(lambda words: (words == "slower").mean())
        axes.plot(
            shares.index,
            100 * shares,
            MARKS[str(beside)],
            color=COLOURS[str(beside)],
            label=f"beside {beside}",
        )
    axes.axhline(100 * LEAST_SEEN, color=BLACK, linestyle=":", label=f"{100 * LEAST_SEEN:g} %")
    axes.set_xticks(sorted(set(planted["planted"])))
    axes.set_xlabel("operations that head does more (%)")
    axes.set_ylabel("comparisons called slower (%)")
    alarms = false_alarms(table)
    axes.set_title(
        f"{int(alarms['slower'].sum() + alarms['faster'].sum())} of "
        f"{int(alarms['comparisons'].sum())} comparisons of a thing with itself raise an alarm\n"
        f"({table['trial'].nunique()} trials of {planted['planted'].nunique()} planted slow-downs)"
    )
    axes.legend()
    return figure


def _word(met: bool) -> str:
    return "Met" if met else "Missed"
