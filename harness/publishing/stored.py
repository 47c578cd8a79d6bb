"""The ledger as it is stored, read without pandas: menus and claim pages must be quick."""

from __future__ import annotations

import csv
from pathlib import Path

from harness.errors import HarnessError
from harness.words import COLOURS


def stored_rows(results: Path) -> list[dict[str, str]]:
    """The rows of the ledger, as text; none without a ledger.

    Raises:
        HarnessError: the ledger is broken.
    """
    path = results / "claims.csv"
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        for row in rows:
            if row["verdict"] not in COLOURS:
                raise HarnessError(f"{path}: column verdict holds {row['verdict']!r}.")
            if row["kind"] not in ("claim", "counterpart"):
                raise HarnessError(f"{path}: column kind holds {row['kind']!r}.")
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise HarnessError(f"{path}: the ledger cannot be read ({error!r}).") from error
    return rows


def stored_verdicts(results: Path) -> dict[str, list[str]]:
    """The verdicts of the ledger by claim, one for each machine; empty without a ledger.

    Raises:
        HarnessError: the ledger is broken.
    """
    verdicts: dict[str, list[str]] = {}
    for row in stored_rows(results):
        if row["kind"] == "claim":
            verdicts.setdefault(row["claim"], []).append(row["verdict"])
    return verdicts
