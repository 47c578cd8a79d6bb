"""The ledger: every claim of the catalogue with its verdict, one row a claim and machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import pandas as pd

from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.judging.findings import ClaimFinding, Finding
from harness.judging.judge import judge_run
from harness.judging.staleness import Staleness, staleness
from harness.judging.tables import read_records
from harness.meters.machine import slug
from harness.protocol.protocol import Protocol, read_machine
from harness.store.folders import RunFolder
from harness.store.joined import JoinedRun, join_runs
from harness.store.observations import StoredRun, reference_runs

#: What the ledger takes from the catalogue, from the claim's finding, from its headline condition,
#: and from the run.
WORDS = ("document", "section", "says", "scope", "same_as", "study")
FOUND = (
    "verdict",
    "sentence",
    "number",
    "quantifier",
    "holds",
    "fails",
    "judged",
    "curve",
    "experiments",
)
HEADLINE = ("contrast", "reading", "region", "estimate", "low", "high", "unit", "blocks")
RUN = ("device", "machine", "torch", "run", "stale")
COLUMNS = ("claim", "kind", *WORDS, *FOUND, "reason", "warnings", *HEADLINE, *RUN)


@dataclass(frozen=True)
class PublishedRun:
    """A run as the ledger sees it: its protocol, its machine and its findings.

    ``stale`` says what of the study's rules has changed since, or why the study cannot be loaded.
    Where it was completed by older runs, ``parts`` says from which run each experiment is.
    """

    folder: RunFolder
    protocol: Protocol
    machine: str
    torch: str
    claims: Sequence[ClaimFinding]
    findings: Sequence[Finding]
    stale: Staleness
    parts: Mapping[str, StoredRun] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run's place below the results folder."""
        return place_of(self.folder)

    def runs_of(self, claim: ClaimFinding) -> list[str]:
        """The places of the runs that a claim's rows are from, newest first."""
        if not self.parts:
            return [self.name]
        own = [self.parts[name] for name in claim.experiments.split() if name in self.parts]
        own.sort(key=lambda run: run.protocol.started, reverse=True)
        return list(dict.fromkeys(place_of(run.folder) for run in own)) or [self.name]

    def of(self, claim: ClaimFinding) -> list[Finding]:
        """The conditions of a claim, or of its counterpart."""
        return [f for f in self.findings if f.claim == claim.claim and f.kind == claim.kind]

    def beyond(self, claim: str) -> list[Finding]:
        """What was measured beyond a claim's scope."""
        return [f for f in self.findings if f.claim == claim and f.kind == "beyond"]

    def staleness_of(self, claim: ClaimFinding) -> str:
        """In a sentence, what has changed since the run for a claim; empty if nothing has."""
        if self.stale.problem:
            return f"The study cannot be loaded today: {self.stale.problem}"
        if any(self.stale.concerns(name) for name in claim.experiments.split()):
            return "Made under rules that have changed since."
        return ""


def published_runs(results: Path) -> list[PublishedRun]:
    """The runs that the ledger shows: of each study, machine and device the latest reference run.

    Where that left experiments out, they are taken from the latest one that has them. Quick runs
    are never among them, nor runs of studies outside ``studies/``.

    Raises:
        HarnessError: a run is unfinished, not judged yet, or broken.
    """
    found: dict[tuple[str, str, str], list[tuple[StoredRun, str]]] = {}
    runs = [
        run
        for run in reference_runs(results)
        # A run that was given too little time for anything is no evidence of anything.
        if not run.protocol.origin.endswith(".py") and _says_something(run)
    ]
    # Of two that began in the same second, the later one has the longer name.
    newest_first = sorted(
        runs, key=lambda run: (run.protocol.started, run.folder.path.name), reverse=True
    )
    for run in newest_first:
        machine = read_machine(run.folder.path, run.protocol)
        key = (run.protocol.study, slug(machine), run.protocol.device)
        found.setdefault(key, []).append((run, machine["torch"]["version"]))
    return [
        _joined(of, machine) for (_, machine, _), of in sorted(found.items(), key=itemgetter(0))
    ]


def _says_something(run: StoredRun) -> bool:
    return not run.protocol.selection.partial or bool(run.finished())


def _joined(runs: Sequence[tuple[StoredRun, str]], machine: str) -> PublishedRun:
    """The newest run, completed by older ones of the same torch and profile."""
    newest, torch = runs[0]
    profile = newest.protocol.profile
    alike = [run for run, other in runs if other == torch and run.protocol.profile == profile]
    joined = join_runs(alike)
    if not isinstance(joined, JoinedRun):
        return published(newest, machine, torch)
    judged = judge_run(joined)
    return PublishedRun(
        newest.folder,
        joined.protocol,
        machine,
        torch,
        judged.claims,
        judged.findings,
        judged.stale,
        joined.sources,
    )


def place_of(folder: RunFolder) -> str:
    """A run's place below the results folder."""
    return f"{folder.path.parent.name}/{folder.path.name}"


def published(run: StoredRun, machine: str, torch: str) -> PublishedRun:
    """A judged run with its findings read from its folder.

    Raises:
        HarnessError: it is not judged yet, or a table is broken.
    """
    return PublishedRun(
        run.folder,
        run.protocol,
        machine,
        torch,
        read_records(run.folder, "claims.csv", ClaimFinding),
        read_records(run.folder, "verdicts.csv", Finding),
        staleness(run.protocol),
    )


def ledger_rows(catalogue: Mapping[str, Entry], runs: Sequence[PublishedRun]) -> pd.DataFrame:
    """One row for each claim and machine; a claim that no run judges has one row, `not tested`.

    A claim about a GPU that another device has a counterpart of is followed by that in a row of
    its own, told by its ``kind``.

    Args:
        catalogue: all claims by id.
        runs: what ``published_runs`` found.

    Returns:
        A table of text with the columns of ``results/claims.csv``, in the catalogue's order.

    Raises:
        HarnessError: a run judges a claim that the catalogue lacks.
    """
    judged: dict[str, list[dict[str, str]]] = {}
    for run in runs:
        for claim in run.claims:
            if claim.claim not in catalogue:
                raise HarnessError(
                    f"{run.folder.path}: claim {claim.claim!r} is not in the catalogue."
                )
            judged.setdefault(claim.claim, []).append(_row(run, claim))
    table = []
    for name, entry in catalogue.items():
        words = {"claim": name, **{column: getattr(entry, column) for column in WORDS}}
        nothing = {
            "kind": "claim",
            "verdict": "not tested",
            "quantifier": entry.quantifier,
            "reason": "No study judges this claim yet.",
        }
        table += [{**words, **row} for row in judged.get(name, [nothing])]
    return pd.DataFrame(table, columns=list(COLUMNS), dtype=object).fillna("")


def _row(run: PublishedRun, claim: ClaimFinding) -> dict[str, str]:
    own = run.of(claim)
    shown = next((finding for finding in own if finding.headline), None)
    headline = {column: _text(getattr(shown, column)) for column in HEADLINE} if shown else {}
    found = {column: _text(getattr(claim, column)) for column in FOUND}
    return {
        "kind": claim.kind,
        **found,
        "reason": claim.reason,
        "warnings": claim.warnings,
        **headline,
        "device": run.protocol.device,
        "machine": run.machine,
        "torch": run.torch,
        "run": " ".join(run.runs_of(claim)),
        "stale": run.staleness_of(claim),
    }


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"  # noqa: PLR0124 - NaN is no number
    return str(value)
