"""All runs and comparisons below a results folder, sound or broken: what the site is made from.

The ledger refuses a folder with a broken run. The site shows what is sound, and names the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.publishing.comparisons import finished, in_order, row_of
from harness.publishing.ledger import (
    DescribedRun,
    PublishedRun,
    by_place,
    is_of_the_studies,
    published,
    says_something,
    shown_runs,
)
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun
from harness.store.turns import COMPARISONS


@dataclass(frozen=True)
class BrokenRun:
    """A run that cannot be shown: its place below the results folder, and why, in a sentence."""

    name: str
    problem: str

    @property
    def study(self) -> str:
        """The study's name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Gathered:
    """The runs of a results folder.

    Attributes:
        runs: those that the ledger shows, of each study, machine and device the latest.
        superseded: sound runs that a newer one of the same place has replaced, where it left
            nothing out.
        descriptions: of the machine of each of these runs, by the run's name.
        broken: what could not be read.
    """

    runs: list[PublishedRun]
    superseded: list[PublishedRun]
    descriptions: Mapping[str, Mapping[str, Any]]
    broken: list[BrokenRun]

    @property
    def all(self) -> list[PublishedRun]:
        """Every sound run, oldest first."""
        return sorted([*self.runs, *self.superseded], key=lambda run: run.protocol.started)


def gather(results: Path, known: Collection[str]) -> Gathered:
    """Read every reference run below a results folder.

    Args:
        results: the folder.
        known: the ids of the catalogue; a run that judges another claim counts as broken.
    """
    sound: list[tuple[DescribedRun, PublishedRun]] = []
    broken: list[BrokenRun] = []
    for path in _folders(results):
        try:
            run = _open(RunFolder(path), known)
        except HarnessError as error:
            broken.append(_broken(path, results, error))
        else:
            sound += [run] if run else []
    places = by_place([each for each, _ in sound])
    newest = {id(of[0]) for of in places}
    return Gathered(
        runs=shown_runs(places),
        superseded=[shown for each, shown in sound if id(each) not in newest],
        descriptions={shown.name: each.description for each, shown in sound},
        broken=broken,
    )


@dataclass(frozen=True)
class GatheredComparisons:
    """The comparisons of a results folder.

    Attributes:
        rows: of the sound and finished ones, see ``comparisons.row_of``; oldest first.
        broken: what could not be read.
    """

    rows: list[dict[str, Any]]
    broken: list[BrokenRun]


def gather_comparisons(results: Path) -> GatheredComparisons:
    """Judge every finished comparison below a results folder anew."""
    rows: list[dict[str, Any]] = []
    broken: list[BrokenRun] = []
    for folder in finished(results):
        try:
            rows.append(row_of(folder))
        except HarnessError as error:
            broken.append(_broken(folder.path, results, error))
    return GatheredComparisons(in_order(rows), broken)


def _broken(path: Path, results: Path, error: HarnessError) -> BrokenRun:
    """A folder that cannot be read, in the same words wherever the results folder lies."""
    name = path.relative_to(results).as_posix()
    told = str(error).replace(f"{path}/", "").replace(f"{path}: ", "")
    return BrokenRun(name, told.replace(str(path), name))


def _folders(results: Path) -> list[Path]:
    """Run folders, and those that have rows but lost their protocol; no comparison is a run."""
    marks = ("protocol.json", "observations", "verdicts.csv")
    found = {path.parent for mark in marks for path in results.glob(f"*/*/{mark}")}
    return sorted(path for path in found if path.parent.name != COMPARISONS)


def _open(folder: RunFolder, known: Collection[str]) -> tuple[DescribedRun, PublishedRun] | None:
    """A run with its findings; None where it is one that nothing is published from.

    Raises:
        HarnessError: it is broken, unfinished, not judged, or judges a claim that nobody knows.
    """
    stored = StoredRun.open(folder)
    if stored.protocol.profile == "quick" or not is_of_the_studies(stored):
        return None
    if not says_something(stored):
        return None
    described = DescribedRun.open(stored)
    for rules in stored.protocol.measured():
        if not stored.protocol.selection.partial and not folder.has_table(rules.name):
            raise HarnessError(
                f"{folder.path}: the table of {rules.name} is missing; the run is not finished."
            )
    run = published(stored, described.machine, described.torch)
    for claim in run.claims:
        if claim.claim not in known:
            raise HarnessError(f"{folder.path}: claim {claim.claim!r} is not in the catalogue.")
    return described, run
