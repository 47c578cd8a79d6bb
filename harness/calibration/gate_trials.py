"""The gate on known truths: ``python -m harness.calibration.gate_trials``.

A trial is a whole comparison of this interpreter with itself: fresh trios, chunks, intervals and
words are those of ``regress``. Some of its benchmarks are the same on both sides, in the others
head does a known share more. Each is judged as if it had been measured alone. Every other trial
runs beside a process that burns a core in bursts. The table is written after each trial, and what
was stopped goes on where it was.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from harness.calibration import planted_benchmarks
from harness.calibration.gate_page import NAME, PLANNED, outcome, write_gate
from harness.calibration.resumable_trials import carry_out
from harness.catalogue.benchmarks import read_benchmarks
from harness.errors import HarnessError
from harness.judging.regressions import Finding, judge
from harness.meters.machine import cpu_model
from harness.protocol.comparison import (
    SECONDS,
    SIDES,
    Asked,
    Comparison,
    Side,
    blocks_for,
    file_sha256,
)
from harness.running.comparing import Comparing
from harness.running.trio import Interpreter
from harness.store.folders import RunFolder
from harness.store.turns import read_turns

FILE = Path(planted_benchmarks.__file__)
#: Measures one trial: from its number to what was found, and how long it took in seconds.
Measure = Callable[[int], tuple[list[Finding], float]]


#: What the page is made of.
COLUMNS = ("trial", "beside", "benchmark", "planted", "verdict", "ratio", "low", "high", "seconds")


class _Silent:
    """A trial reports by its row."""

    def begin(self, total: int) -> None:
        pass

    def done(self, block: int, benchmark: str, failures: Mapping[Side, str]) -> None:
        pass


def comparison_of(number: int, seconds: float) -> Comparison:
    """The comparison of one trial."""
    return Comparison(
        base=Asked("here", {planted_benchmarks.VARIABLE: "base"}),
        head=Asked("here", {planted_benchmarks.VARIABLE: planted_benchmarks.HEAD}),
        benchmarks=read_benchmarks(FILE),
        file=str(FILE),
        file_sha256=file_sha256(FILE),
        suite=(),
        device="cpu",
        threads=1,
        seed=number,
        blocks=blocks_for(1),
        seconds=seconds,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        commit="calibration",
        machine={"cpu": cpu_model()},
    )


def measure_trial(number: int, seconds: float) -> tuple[list[Finding], float]:
    """Carry out the comparison of one trial, and judge each benchmark as if it were alone.

    Returns:
        What was found, and the seconds of the whole.
    """
    comparison = comparison_of(number, seconds)
    table, took = _rows_of(comparison)
    findings = [
        judge(replace(comparison, benchmarks=(each,)), table).findings[0]
        for each in comparison.benchmarks
    ]
    return findings, took


def measure_comparison(comparison: Comparison) -> tuple[list[Finding], float]:
    """Carry out a comparison of this interpreter with itself, and judge it as a user would see it.

    Returns:
        What was found, and the seconds of the whole.
    """
    table, took = _rows_of(comparison)
    return list(judge(comparison, table).findings), took


def _rows_of(comparison: Comparison) -> tuple[pd.DataFrame, float]:
    """Carry out a comparison, whose rows are not kept on the disk; how long it took in seconds."""
    here = {
        side: Interpreter(Path(sys.executable), comparison.asked(side).environment)
        for side in SIDES
    }
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place))
        Comparing(comparison, folder, here, _Silent(), folder.path).carry_out()
        table = read_turns(folder, comparison)
    return table, time.perf_counter() - began


def trial_rows(
    number: int, beside: str, findings: list[Finding], took: float
) -> list[dict[str, Any]]:
    """A row of the table for each benchmark of a trial."""
    return [
        {
            "trial": number,
            "beside": beside,
            "benchmark": finding.benchmark.name,
            "planted": planted_percent(finding.benchmark.name),
            "verdict": finding.word,
            "seconds_a_call": finding.base,
            "ratio": finding.head.estimate if finding.head else float("nan"),
            "low": finding.head.low if finding.head else float("nan"),
            "high": finding.head.high if finding.head else float("nan"),
            "control_low": finding.control.low if finding.control else float("nan"),
            "control_high": finding.control.high if finding.control else float("nan"),
            "handover": finding.handover,
            "ratios": ";".join(f"{value:.5f}" for value in finding.values),
            "seconds": took / len(findings),
        }
        for finding in findings
    ]


def planted_percent(name: str) -> int:
    """By how much head does more, in percent."""
    found = re.fullmatch(r"planted_(\d+)", name)
    return int(found[1]) if found else 0


def try_gate(
    results: Path, trials: int, measure: Measure, seconds: float = SECONDS
) -> pd.DataFrame:
    """Carry out trials, quiet and beside a burning process by turns.

    Args:
        results: where the table is; trials that are in it already are not repeated.
        trials: how many there are to be.
        measure: carries out one.
        seconds: of measuring a benchmark.

    Raises:
        HarnessError: a table that is there does not fit, or cannot be written.
    """

    def trial(number: int, beside: str) -> list[dict[str, Any]]:
        return trial_rows(number, beside, *measure(number))

    path = results / NAME
    return carry_out(path, trials, trial, COLUMNS, description="comparing", seconds=seconds)


def main(
    results: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("results"),
    trials: Annotated[int, typer.Option(min=2, help="Comparisons, half of them quiet.")] = PLANNED,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of measuring a benchmark.")] = SECONDS,
) -> None:
    """Compare this interpreter with itself again and again, and count what would be flagged."""
    try:
        table = try_gate(results, trials, lambda number: measure_trial(number, seconds), seconds)
        for path in write_gate(results, table):
            typer.echo(path)
    except HarnessError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    met, sentence = outcome(table)
    typer.echo(sentence)
    raise typer.Exit(0 if met else 1)


if __name__ == "__main__":
    typer.run(main)
