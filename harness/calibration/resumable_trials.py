"""Trials that take hours: quiet and beside a burning process by turns, kept after each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import track

from harness.calibration.burner import by_turns
from harness.errors import HarnessError
from harness.files import write_bytes

#: The rows of one trial, from its number and what runs beside it.
Trial = Callable[[int, str], list[dict[str, Any]]]


def carry_out(
    path: Path, trials: int, trial: Trial, columns: Collection[str], description: str
) -> pd.DataFrame:
    """Carry out trials with a progress bar; the table is written after each.

    Args:
        path: of the table; trials that are in it already are not repeated.
        trials: how many there are to be.
        trial: carries out one.
        columns: that a table must have.
        description: what the bar calls it.

    Raises:
        HarnessError: a table that is there does not fit, or cannot be written.
    """
    table = _stored(path, columns)
    done = set(table["trial"]) if len(table) else set()
    todo = [number for number in range(trials) if number not in done]
    for number in track(todo, description=description, console=Console(stderr=True)):
        with by_turns(number, number) as beside:
            rows = pd.DataFrame(trial(number, beside))
        table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
        csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        write_bytes(path, csv.encode())
    return table


def _stored(path: Path, columns: Collection[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    try:
        table = pd.read_csv(path)
        table[list(columns)]
    except (ValueError, KeyError, OSError) as error:
        raise HarnessError(f"{path}: this is no table of trials ({error}).") from error
    return table
