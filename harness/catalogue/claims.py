"""The catalogue: every claim of the documents in our own words, judged or not."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from harness.catalogue.cards import studies_folder
from harness.errors import HarnessError

COLUMNS = ("claim", "document", "section", "says", "kind", "needs", "study")


@dataclass(frozen=True)
class Entry:
    """One claim of the catalogue, a row of ``studies/claims.csv``."""

    claim: str
    document: str
    section: str
    says: str
    kind: str
    needs: str
    study: str


def read_catalogue(path: Path | None = None) -> dict[str, Entry]:
    """All claims by id, in the file's order.

    Raises:
        HarnessError: the file is missing, its columns are others, or an id stands twice.
    """
    path = path or studies_folder() / "claims.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            columns = tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HarnessError(f"{path}: the catalogue cannot be read ({error}).") from error
    if columns != COLUMNS:
        raise HarnessError(f"{path}: the columns must be {', '.join(COLUMNS)}.")
    entries: dict[str, Entry] = {}
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values() or not row["claim"] or not row["says"]:
            raise HarnessError(f"{path}: row {line} lacks a value or has too many.")
        if row["claim"] in entries:
            raise HarnessError(f"{path}: row {line}, column claim: {row['claim']!r} stands twice.")
        entries[row["claim"]] = Entry(**row)
    return entries
