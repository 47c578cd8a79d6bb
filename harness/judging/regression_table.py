"""What was found of a comparison as a table: one row a benchmark."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from harness.files import write_bytes
from harness.judging.intervals import Interval
from harness.judging.regressions import Report

NAME = "verdicts.csv"


def findings_table(report: Report) -> pd.DataFrame:
    """The findings, with every number that was judged."""
    return pd.DataFrame(
        [
            {
                "benchmark": finding.benchmark.name,
                "unit": finding.benchmark.unit,
                "margin": finding.benchmark.margin,
                "verdict": finding.word,
                "base": finding.base,
                **_columns("ratio", finding.head),
                **_columns("control", finding.control),
                "handover_seconds": finding.handover,
                "reason": finding.reason,
            }
            for finding in report.findings
        ]
    )


def write_findings(folder: Path, report: Report) -> Path:
    """Write the table beside the rows it comes from.

    Raises:
        HarnessError: it cannot be written.
    """
    csv = findings_table(report).to_csv(index=False, lineterminator="\n", float_format="%.6g")
    write_bytes(folder / NAME, csv.encode())
    return folder / NAME


def _columns(name: str, interval: Interval | None) -> dict[str, float]:
    found = interval or Interval(math.nan, math.nan, math.nan)
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}
