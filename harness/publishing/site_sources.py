"""All that a site is made from, read once: the catalogue, the runs, the ledger's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.catalogue.cards import cards
from harness.catalogue.claims import read_catalogue
from harness.catalogue.documents import Document, documents
from harness.design.entry import Entry
from harness.protocol.protocol import Protocol
from harness.publishing.evidence import Evidence
from harness.publishing.gathered import Gathered, GatheredComparisons, gather, gather_comparisons
from harness.publishing.ledger import PublishedRun, ledger_rows, place_of
from harness.publishing.pages import ledger_context


@dataclass(frozen=True)
class Sources:
    """What every page of a site draws on.

    Attributes:
        results: the folder of run folders.
        evidence: where pages find its files.
        catalogue: all claims by id.
        documents: their documents by key.
        questions: what each study asks, by its name.
        gathered: the runs.
        comparisons: what ``regress`` left.
        table: the ledger.
    """

    results: Path
    evidence: Evidence
    catalogue: Mapping[str, Entry]
    documents: Mapping[str, Document]
    questions: Mapping[str, str]
    gathered: Gathered
    comparisons: GatheredComparisons
    table: pd.DataFrame

    @classmethod
    def read(cls, results: Path, into: Path) -> Sources:
        """Read the catalogue and every run.

        Raises:
            HarnessError: the catalogue is broken; a broken run is no error here.
        """
        catalogue = read_catalogue()
        gathered = gather(results, catalogue)
        return cls(
            results,
            Evidence(results, into),
            catalogue,
            documents(),
            {card.name: card.question for card in cards()},
            gathered,
            gather_comparisons(results),
            ledger_rows(catalogue, gathered.runs),
        )

    @cached_property
    def rows(self) -> dict[str, list[dict[str, str]]]:
        """The ledger's rows of each claim."""
        found: dict[str, list[dict[str, str]]] = {claim: [] for claim in self.catalogue}
        for row in self.table.to_dict("records"):
            found[str(row["claim"])].append({str(k): str(v) for k, v in row.items()})
        return found

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """What the ledger's own page is filled with."""
        return ledger_context(self.catalogue, self.table, self.gathered.runs)

    @cached_property
    def studies(self) -> list[str]:
        """Every study that has claims or a run, sorted."""
        planned = {entry.study for entry in self.catalogue.values() if entry.study}
        return sorted(planned | {run.protocol.study for run in self.gathered.all})

    def lead(self, claim: str) -> Mapping[str, str]:
        """The row that speaks for a claim where there is room for one."""
        return lead(self.rows[claim])

    def protocol_of(self, run: str) -> Protocol:
        """The protocol of any sound run by its name."""
        return self._protocols[run]

    @cached_property
    def _protocols(self) -> dict[str, Protocol]:
        found = {run.name: run.protocol for run in self.gathered.all}
        parts = (part for run in self.gathered.runs for part in run.parts.values())
        return {place_of(part.folder): part.protocol for part in parts} | found

    def run(self, name: str) -> PublishedRun:
        """A run of the ledger by its name."""
        return next(run for run in self.gathered.runs if run.name == name)


def lead(rows: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Of a claim's rows that which speaks for it: one with a number, and by today's rules, if any.

    Args:
        rows: of the ledger, one or more of them of kind "claim".
    """
    own = [row for row in rows if row["kind"] == "claim"]
    return min(own, key=lambda row: (not row["number"], bool(row["stale"])))
