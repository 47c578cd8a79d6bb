"""What the command line prints before anything is run: studies and claims. No pandas, no torch."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.catalogue import Entry, read_catalogue
from harness.discover import cards
from harness.errors import HarnessError

#: All verdicts, in the order they are counted and shown, with a colour each.
COLOURS = {
    "reproduced": "green",
    "refuted": "red",
    "mixed": "yellow",
    "inconclusive": "magenta",
    "not measurable": "blue",
    "not tested": "dim",
}


def verdict_text(verdict: str) -> Text:
    """A verdict in its colour."""
    return Text(verdict, style=COLOURS[verdict])


def show_studies(results: Path) -> None:
    """Every study with its question, its cost and the state of its claims."""
    catalogue = read_catalogue()
    verdicts = stored_verdicts(results)
    table = Table(title="Studies", caption="Run one with: python -m harness run STUDY")
    for column in ("study", "question", "cost", "claims", "verdicts so far"):
        table.add_column(column, no_wrap=column == "study")
    for card in cards():
        own = [entry.claim for entry in catalogue.values() if entry.study == card.name]
        counts = Counter(verdict for claim in own for verdict in verdicts.get(claim, ()))
        state = ", ".join(f"{counts[verdict]} {verdict}" for verdict in COLOURS if counts[verdict])
        table.add_row(card.name, card.question, card.cost, str(len(own)), state or "none")
    Console().print(table)


def show_claims(
    results: Path, study: str | None, document: str | None, verdict: str | None
) -> None:
    """The catalogue, filtered, with the verdicts of the ledger.

    Raises:
        HarnessError: a filter names something that does not exist.
    """
    catalogue = read_catalogue()
    _check("study", study, {entry.study for entry in catalogue.values()})
    _check("document", document, {entry.document for entry in catalogue.values()})
    _check("verdict", verdict, set(COLOURS))
    verdicts = stored_verdicts(results)
    rows = [
        (entry, verdicts.get(entry.claim, ["not tested"]))
        for entry in catalogue.values()
        if study in (None, entry.study) and document in (None, entry.document)
    ]
    rows = [(entry, found) for entry, found in rows if verdict is None or verdict in found]
    Console().print(_claims_table(rows))


def stored_verdicts(results: Path) -> dict[str, list[str]]:
    """The verdicts of the ledger by claim, one for each machine; empty without a ledger.

    Raises:
        HarnessError: the ledger is broken.
    """
    return {
        claim: [row["verdict"] for row in rows] for claim, rows in stored_ledger(results).items()
    }


def stored_ledger(results: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of the ledger by claim, as text; empty without a ledger.

    Raises:
        HarnessError: the ledger is broken.
    """
    path = results / "claims.csv"
    if not path.is_file():
        return {}
    ledger: dict[str, list[dict[str, str]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if row["verdict"] not in COLOURS:
                    raise HarnessError(f"{path}: column verdict holds {row['verdict']!r}.")
                ledger.setdefault(row["claim"], []).append(row)
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise HarnessError(f"{path}: the ledger cannot be read ({error!r}).") from error
    return ledger


def _claims_table(rows: list[tuple[Entry, list[str]]]) -> Table:
    table = Table(title=f"{len(rows)} claims")
    for column in ("claim", "study", "verdict"):
        table.add_column(column, no_wrap=True)
    table.add_column("what the document says, in our words", ratio=1)
    for entry, verdicts in rows:
        shown = Text(", ").join(verdict_text(verdict) for verdict in verdicts)
        table.add_row(entry.claim, entry.study, shown, Text(entry.says))
    return table


def _check(what: str, value: str | None, known: set[str]) -> None:
    if value is not None and value not in known:
        raise HarnessError(f"There is no {what} {value!r}; there are {', '.join(sorted(known))}.")
