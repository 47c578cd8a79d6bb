"""This gate beside others, as a page and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.calibration.resumable_trials import in_words
from harness.files import write_bytes
from harness.judging.intervals import frequency_interval
from harness.publishing.markdown import render

NAME = "gate_tools.csv"
OURS = "regress"
#: So many trials are to be carried out, half of them quiet.
PLANNED = 20


def write_tools(results: Path, table: pd.DataFrame) -> list[Path]:
    """Write ``gate_tools.md`` beside ``gate_tools.csv``.

    Raises:
        HarnessError: the folder cannot be written.
    """
    page = results / "gate_tools.md"
    write_bytes(page, tools_page(table).encode())
    return [results / NAME, page]


def tools_page(table: pd.DataFrame) -> str:
    """The page, in Markdown; every number on it is calculated from the table."""
    return render(
        "gate_tools.md.jinja",
        trials=table["trial"].nunique(),
        planned=PLANNED,
        rows=counts(table),
        measured_with=in_words(table),
    )


def counts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each gate: alarms at a thing against itself, and at what takes more; ours first."""
    names = sorted(table["tool"].unique(), key=lambda name: (name != OURS, name))
    return [_row(name, table[table["tool"] == name]) for name in names]


def _row(tool: str, rows: pd.DataFrame) -> dict[str, Any]:
    same, more = rows[rows["planted"] == 0], rows[rows["planted"] > 0]
    return {
        "tool": tool,
        "same": len(same),
        "wolf": _share(same["said"].isin(["slower", "faster"])),
        "more": len(more),
        "seen": _share(more["said"] == "slower"),
        "open": _share(rows["said"] == "inconclusive"),
        "seconds": f"{rows.groupby('trial')['seconds'].first().median():.0f}",
    }


def _share(found: pd.Series[bool]) -> str:
    """A count, and its share with the interval, in per cent."""
    interval = frequency_interval(np.asarray(found, np.float64))
    ends = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return f"{int(found.sum())} ({100 * interval.estimate:.0f} %, {ends})"
