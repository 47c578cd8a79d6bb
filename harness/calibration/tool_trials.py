"""This gate beside those in use: ``python -m harness.calibration.tool_trials``.

In a trial every gate gets the same work, a thing against itself and one that takes 3 % more, and as
much time as this one takes for both, starting its processes included. They come in an order that
changes from trial to trial. Every other trial runs beside a process that burns a core in bursts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from harness.calibration.gate_trials import comparison_of, measure_comparison, planted_percent
from harness.calibration.planted_benchmarks import COMPARED
from harness.calibration.resumable_trials import carry_out
from harness.calibration.tools import TOOLS, Budget, Said, require
from harness.calibration.tools_page import NAME, OURS, PLANNED, write_tools
from harness.errors import HarnessError
from harness.judging.regressions import Finding, Word
from harness.protocol.comparison import SECONDS, blocks_for

COLUMNS = ("trial", "beside", "tool", "benchmark", "planted", "said", "seconds")
SAID: Mapping[Word, Said] = {
    "slower": "slower",
    "faster": "faster",
    "same within the margin": "no alarm",
}


def trial(number: int, beside: str, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """One trial: the rows of all gates.

    Args:
        number: of the trial; orders start from it.
        beside: what runs beside it.
        seconds: of measuring a benchmark, with this gate.

    Raises:
        HarnessError: a tool failed.
    """
    findings, took = measure_ours(number, seconds)
    calls = [finding.base for finding in findings]
    budget = Budget(took, starting_seconds(), float(np.mean(calls)))
    said: dict[str, tuple[dict[str, Said], float]] = {
        OURS: ({f.benchmark.name: SAID.get(f.word, "inconclusive") for f in findings}, took)
    }
    for name in np.random.default_rng(number).permutation(list(TOOLS)).tolist():
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            words = TOOLS[name](Path(folder), budget)
        said[name] = words, time.perf_counter() - began
    return [
        {
            "trial": number,
            "beside": beside,
            "tool": tool,
            "benchmark": benchmark,
            "planted": planted_percent(benchmark),
            "said": word,
            "seconds": took,
        }
        for tool, (words, took) in said.items()
        for benchmark, word in words.items()
    ]


def measure_ours(number: int, seconds: float) -> tuple[list[Finding], float]:
    """The comparison of this gate, with its intervals for both benchmarks together."""
    whole = comparison_of(number, seconds)
    chosen = tuple(each for each in whole.benchmarks if each.name in COMPARED)
    return measure_comparison(replace(whole, benchmarks=chosen, blocks=blocks_for(len(chosen))))


def starting_seconds() -> float:
    """Seconds that a process takes until torch is there."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import pytest, torch"], check=True)
    return time.perf_counter() - began


def main(
    results: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("results"),
    trials: Annotated[int, typer.Option(min=2, help="Trials, half of them quiet.")] = PLANNED,
) -> None:
    """Let this gate and others judge the same work in the same time, again and again."""
    try:
        require()
        table = carry_out(results / NAME, trials, trial, COLUMNS, description="side by side")
        for path in write_tools(results, table):
            typer.echo(path)
    except HarnessError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
