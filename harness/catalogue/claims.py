"""The catalogue: every claim of the documents in our own words, judged or not."""

from __future__ import annotations

import csv
from pathlib import Path

from harness.catalogue.cards import studies_folder
from harness.design.entry import Entry
from harness.errors import HarnessError

COLUMNS = (
    "claim",
    "document",
    "section",
    "says",
    "scope",
    "quantifier",
    "same_as",
    "kind",
    "needs",
    "study",
)


def read_catalogue(path: Path | None = None) -> dict[str, Entry]:
    """All claims by id, in the file's order.

    Raises:
        HarnessError: the file is missing, its columns are others, an id stands twice, or a row has
            no scope, an unknown quantifier, or a twin that the catalogue lacks.
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
        entry = _entry(path, line, row)
        if entry.claim in entries:
            raise HarnessError(f"{path}: row {line}, column claim: {entry.claim!r} stands twice.")
        entries[entry.claim] = entry
    _check_twins(path, entries)
    return entries


def _entry(path: Path, line: int, row: dict[str, str]) -> Entry:
    must = ("claim", "says", "scope", "quantifier")
    if None in row or None in row.values() or not all(row[column] for column in must):
        raise HarnessError(f"{path}: row {line} lacks a value or has too many.")
    try:
        return Entry(**row)
    except HarnessError as error:
        raise HarnessError(f"{path}: row {line}: {error}") from error


def _check_twins(path: Path, entries: dict[str, Entry]) -> None:
    for entry in entries.values():
        for twin in entry.same_as.split():
            if twin not in entries:
                raise HarnessError(
                    f"{path}: {entry.claim}, column same_as: there is no claim {twin!r}."
                )
