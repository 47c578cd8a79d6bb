"""The ledger: every claim of the catalogue with its verdict, one row a claim and machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

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
    ``outdated`` names the claims, of those its rules are about, that are left out: another machine
    has measured them by today's rules.
    """

    folder: RunFolder
    protocol: Protocol
    machine: str
    torch: str
    claims: Sequence[ClaimFinding]
    findings: Sequence[Finding]
    stale: Staleness
    parts: Mapping[str, StoredRun] = field(default_factory=dict)
    outdated: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The run's place below the results folder."""
        return place_of(self.folder)

    def folder_of(self, experiment: str) -> RunFolder:
        """The folder of the run that an experiment's rows are from."""
        return self.parts[experiment].folder if experiment in self.parts else self.folder

    def runs_of(self, claim: ClaimFinding) -> list[str]:
        """The places of the runs that a claim's rows are from, newest first."""
        own = self._parts_of(claim)
        return list(dict.fromkeys(place_of(run.folder) for run in own)) or [self.name]

    def started_of(self, claim: ClaimFinding) -> str:
        """When the newest of the runs began that a claim's rows are from."""
        newest = next(iter(self._parts_of(claim)), self)
        return newest.protocol.started

    def _parts_of(self, claim: ClaimFinding) -> list[StoredRun]:
        """The runs that a joined run has a claim's experiments from, newest first."""
        own = [self.parts[name] for name in claim.experiments.split() if name in self.parts]
        return sorted(own, key=lambda run: run.protocol.started, reverse=True)

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

    def shows(self, experiment: str) -> bool:
        """Whether an experiment is still told of: not all of its claims are left out."""
        rules = self.protocol.experiments.get(experiment)
        claims = {c.name for c in rules.conditions if not c.control} if rules else set()
        return not claims or not claims <= self.outdated


def published_runs(results: Path) -> list[PublishedRun]:
    """The runs that the ledger shows: of each study, machine and device the latest reference run.

    Where that left experiments out, they are taken from the latest one that has them. Quick runs
    are never among them, nor runs of studies outside ``studies/``. See ``shown_runs``.

    Raises:
        HarnessError: a run is unfinished, not judged yet, or broken.
    """
    runs = [
        DescribedRun.open(run)
        for run in reference_runs(results)
        if is_of_the_studies(run) and says_something(run)
    ]
    return shown_runs(by_place(runs))


@dataclass(frozen=True)
class DescribedRun:
    """A run with the description of the machine that measured it."""

    run: StoredRun
    description: Mapping[str, Any]

    @classmethod
    def open(cls, run: StoredRun) -> Self:
        """The run with its machine.

        Raises:
            HarnessError: the description is missing, broken or edited.
        """
        return cls(run, read_machine(run.folder.path, run.protocol))

    @property
    def machine(self) -> str:
        """The machine's short name."""
        return slug(dict(self.description))

    @property
    def torch(self) -> str:
        """The version of torch."""
        return str(self.description["torch"]["version"])

    @property
    def place(self) -> tuple[str, str, str]:
        """Study, machine and device: of the runs of one place, the newest counts."""
        return self.run.protocol.study, self.machine, self.run.protocol.device


def is_of_the_studies(run: StoredRun) -> bool:
    """Whether a run's study is one of ``studies/``, and no file elsewhere."""
    return not run.protocol.origin.endswith(".py")


def says_something(run: StoredRun) -> bool:
    """Whether anything of a run is finished: one with too little time for anything says nothing."""
    return not run.protocol.selection.partial or bool(run.finished())


def by_place(runs: Sequence[DescribedRun]) -> list[list[DescribedRun]]:
    """The runs of each study, machine and device, newest first, in the order of these three."""
    found: dict[tuple[str, str, str], list[DescribedRun]] = {}
    # Of two that began in the same second, the later one has the longer name.
    newest_first = sorted(
        runs,
        key=lambda each: (each.run.protocol.started, each.run.folder.path.name),
        reverse=True,
    )
    for each in newest_first:
        found.setdefault(each.place, []).append(each)
    return [found[place] for place in sorted(found)]


def shown_runs(places: Sequence[Sequence[DescribedRun]]) -> list[PublishedRun]:
    """The run of each place, less the verdicts that another machine has put out of date.

    Args:
        places: as ``by_place`` gives them.

    Raises:
        HarnessError: a run is not judged yet, or a table is broken.
    """
    return without_outdated([joined(of) for of in places])


def without_outdated(runs: Sequence[PublishedRun]) -> list[PublishedRun]:
    """The runs less their verdicts by older rules where there is one by today's.

    A verdict by older rules stands as long as no run on a device of its kind has one by today's. A
    machine that is gone could otherwise never be contradicted.

    Args:
        runs: of any studies, machines and devices.
    """
    today = {
        (run.protocol.device, claim.claim, claim.kind)
        for run in runs
        for claim in run.claims
        if not run.staleness_of(claim) and claim.verdict != "not tested"
    }
    return [_less_outdated(run, today) for run in runs]


def _less_outdated(run: PublishedRun, today: Collection[tuple[str, str, str]]) -> PublishedRun:
    outdated = {
        (claim.claim, claim.kind)
        for claim in run.claims
        if run.staleness_of(claim) and (run.protocol.device, claim.claim, claim.kind) in today
    }
    if not outdated:
        return run
    names = frozenset(name for name, kind in outdated if kind == "claim")
    beside = {*outdated, *((name, "beyond") for name in names)}
    return replace(
        run,
        claims=[claim for claim in run.claims if (claim.claim, claim.kind) not in outdated],
        findings=[each for each in run.findings if (each.claim, each.kind) not in beside],
        outdated=names,
    )


def joined(runs: Sequence[DescribedRun]) -> PublishedRun:
    """The newest run of a place, completed by older ones of the same torch and profile.

    Raises:
        HarnessError: it is not judged yet, or a table is broken.
    """
    newest = runs[0]
    profile = newest.run.protocol.profile
    alike = [
        each.run
        for each in runs
        if each.torch == newest.torch and each.run.protocol.profile == profile
    ]
    run = join_runs(alike)
    if not isinstance(run, JoinedRun):
        return published(newest.run, newest.machine, newest.torch)
    judged = judge_run(run)
    return PublishedRun(
        newest.run.folder,
        run.protocol,
        newest.machine,
        newest.torch,
        judged.claims,
        judged.findings,
        judged.stale,
        run.sources,
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
