"""The comparisons of two sides that a results folder keeps, a row each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from harness.judging.regressions import Report, judge
from harness.meters.machine import slug
from harness.protocol.comparison import NAME, Comparison, read_comparison
from harness.publishing.job_summary import PAGE, verdict_line
from harness.store.folders import RunFolder
from harness.store.turns import COMPARISONS, TABLE, read_turns


def compared(results: Path) -> list[dict[str, Any]]:
    """What there is to say of each finished comparison, judged anew from its rows; oldest first.

    Args:
        results: the folder of results.

    Raises:
        HarnessError: a file of one is broken, or was edited.
    """
    return in_order([row_of(folder) for folder in finished(results)])


def finished(results: Path) -> list[RunFolder]:
    """The folders of comparisons that were carried out to their end.

    What was measured once more within a comparison is not among them.
    """
    paths = sorted(path.parent for path in results.glob(f"{COMPARISONS}/*/{NAME}"))
    return [folder for folder in map(RunFolder, paths) if folder.has_table(TABLE)]


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows by the time at which each comparison began."""
    return sorted(rows, key=lambda row: (row["started"], row["folder"]))


def judged(folder: RunFolder) -> tuple[Comparison, pd.DataFrame, Report]:
    """A comparison, its rows, and what they say.

    Raises:
        HarnessError: a file of it is broken, or was edited.
    """
    comparison = read_comparison(folder.path)
    table = read_turns(folder, comparison)
    return comparison, table, judge(comparison, table)


def row_of(folder: RunFolder) -> dict[str, Any]:
    """What there is to say of one comparison, judged anew from its rows.

    Raises:
        HarnessError: a file of it is broken, or was edited.
    """
    comparison, _, report = judged(folder)
    return {
        "folder": f"{COMPARISONS}/{folder.path.name}",
        "page": PAGE,
        "base": str(comparison.base),
        "head": str(comparison.head),
        "device": comparison.device,
        "machine": slug(dict(comparison.machine)),
        "started": comparison.started,
        "trios": comparison.blocks,
        "words": report.counted,
        "verdict": verdict_line(report),
    }
