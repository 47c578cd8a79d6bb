"""What the command line prints before anything is run: studies and claims. No pandas, no torch."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.catalogue.cards import cards
from harness.catalogue.claims import read_catalogue
from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.publishing.stored import stored_verdicts
from harness.words import COLOURS, plural, shown


def verdict_text(verdict: str) -> Text:
    """A verdict in its colour."""
    return Text(verdict, style=COLOURS[verdict])


def show_studies(results: Path) -> None:
    """Every study in two lines: its question, then its claims, their verdicts and what it costs."""
    catalogue = read_catalogue()
    verdicts = stored_verdicts(results)
    console = Console(highlight=False)
    found = cards()
    width = max((len(card.name) for card in found), default=0) + 2
    for card in found:
        own = [entry.claim for entry in catalogue.values() if entry.study == card.name]
        counts = Counter(verdict for claim in own for verdict in verdicts.get(claim, ()))
        head = Text(f"{card.name:{width}}", style="bold").append(
            shown(card.question), style="not bold"
        )
        told = Text(" " * width).append(plural(len(own), "claim"))
        machines = max((len(verdicts.get(claim, ())) for claim in own), default=0)
        if machines > 1:
            told.append(f" on {machines} machines")
        for verdict in COLOURS:
            if counts[verdict]:
                told.append(f", {counts[verdict]} {verdict}", style=COLOURS[verdict])
        if card.cost:
            told.append(f"; {shown(card.cost)}", style="dim")
        for line in (head, told):
            console.print(line, no_wrap=True, overflow="ellipsis")
    console.print("Run one with: python -m harness run STUDY")


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
    console = Console()
    # In a file or a pipe every claim is one line, for grep and the like.
    width = console.width if console.is_terminal else sys.maxsize
    console.print(claims_list(rows, width), soft_wrap=True)


def claims_list(rows: list[tuple[Entry, list[str]]], width: int) -> Text:
    """One entry a claim in aligned columns, its words wrapped to a width.

    A rich table of the whole catalogue takes more than twice as long as all the rest together.

    Args:
        rows: each claim with its verdicts, one for each machine.
        width: of a line, in characters.
    """
    texts = [Text(", ").join(map(verdict_text, verdicts)) for _, verdicts in rows]
    claim = max((len(entry.claim) for entry, _ in rows), default=0)
    study = max((len(entry.study) for entry, _ in rows), default=0)
    verdict = max(map(len, texts), default=0)
    indent = claim + study + verdict + 6
    listing = Text()
    for (entry, _), text in zip(rows, texts, strict=True):
        says = textwrap.wrap(shown(entry.says), max(width - indent, 20), break_long_words=False)
        listing.append(f"{entry.claim:{claim}}  {entry.study:{study}}  ")
        listing.append_text(text).append(" " * (verdict - len(text) + 2))
        listing.append(f"\n{' ' * indent}".join(says) + "\n")
    return listing.append(f"{len(rows)} claims")


def _check(what: str, value: str | None, known: set[str]) -> None:
    if value is not None and value not in known:
        raise HarnessError(f"There is no {what} {value!r}; there are {', '.join(sorted(known))}.")
