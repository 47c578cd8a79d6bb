"""Trials that take hours: quiet and beside a burning process by turns, kept after each of them.

A trial compares only what it measured itself. So trials of several machines may stand in one table,
which says how many each has; those of another torch or another time are of another gate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import track

from harness.calibration.burner import by_turns
from harness.catalogue.cards import studies_folder
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.meters.machine import machine_in_words
from harness.protocol.comparison import SECONDS
from harness.store.folders import current_commit
from harness.words import shown

#: The rows of one trial, from its number and what runs beside it.
Trial = Callable[[int, str], list[dict[str, Any]]]


#: What a trial was measured on, with, and its commit.
MACHINE = "machine"
MEASURED_WITH = ("torch", "seconds_asked")
COMMIT = "commit"


def carry_out(
    path: Path,
    trials: int,
    trial: Trial,
    columns: Collection[str],
    *,
    description: str,
    seconds: float = SECONDS,
) -> pd.DataFrame:
    """Carry out trials with a progress bar; the table is written after each.

    Args:
        path: of the table; trials that are in it already are not repeated.
        trials: how many there are to be.
        trial: carries out one.
        columns: that a table must have.
        description: what the bar calls it.
        seconds: of measuring a benchmark.

    Raises:
        HarnessError: a table that is there does not fit, was measured with something else, or
            cannot be written.
    """
    table = _stored(path, [*columns, MACHINE, *MEASURED_WITH, COMMIT])
    here = measured_with(seconds)
    _refuse_others(path, table, {name: here[name] for name in MEASURED_WITH})
    # That of the code that runs: files may change while trials go on.
    commit = {COMMIT: current_commit(studies_folder().parent)}
    done = set(table["trial"]) if len(table) else set()
    todo = [number for number in range(trials) if number not in done]
    for number in track(todo, description=description, console=Console(stderr=True)):
        with by_turns(number, number) as beside:
            rows = pd.DataFrame(trial(number, beside)).assign(**here, **commit)
        table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
        csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        write_bytes(path, csv.encode())
    return table


def measured_with(seconds: float) -> dict[str, str | float]:
    """What trials are measured with here.

    Args:
        seconds: of measuring a benchmark.
    """
    values = (machine_in_words(), version("torch"), seconds)
    return dict(zip((MACHINE, *MEASURED_WITH), values, strict=True))


def in_words(table: pd.DataFrame) -> str:
    """What the trials of a table were measured with, as its page says it."""
    trials = table.groupby(MACHINE, sort=False)["trial"].nunique()
    machines = [f"{machine} ({count} trials)" for machine, count in trials.items()]
    return f"{'; '.join(machines)}, with torch {table['torch'].iloc[0]}"


def _refuse_others(path: Path, table: pd.DataFrame, here: Mapping[str, str | float]) -> None:
    """Refuse to go on with trials that do not belong with those to come.

    Raises:
        HarnessError: they were measured with something else.
    """
    for name, value in here.items() if len(table) else ():
        others = set(table[name]) - {value}
        if others:
            raise HarnessError(
                f"{path}: its trials were measured with another {name.replace('_', ' ')} "
                f"({shown(str(others.pop()))}, here {value}). Let --results be another folder."
            )


def _stored(path: Path, columns: Collection[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    try:
        table = pd.read_csv(path)
        table[list(columns)]
    except (ValueError, KeyError, OSError) as error:
        raise HarnessError(f"{path}: this is no table of trials ({error}).") from error
    return table
