"""What a user names, a claim, a study or a run, found in the stored ledger and its folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.catalogue.cards import cards
from harness.catalogue.claims import read_catalogue
from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.judging.findings import ClaimFinding, Finding
from harness.judging.tables import read_records
from harness.meters.machine import slug
from harness.protocol.protocol import Protocol, read_machine, read_protocol
from harness.publishing.citable import cited_claim, cited_run, cited_study
from harness.publishing.citation import Cited
from harness.publishing.ledger import place_of
from harness.publishing.project import project
from harness.publishing.stored import stored_rows
from harness.store.folders import RunFolder, find_run, run_folders
from harness.words import did_you_mean


@dataclass(frozen=True)
class Lookup:
    """The stored ledger beside the catalogue.

    Attributes:
        results: the folder of run folders.
        catalogue: all claims by id.
        rows: of the ledger.
    """

    results: Path
    catalogue: Mapping[str, Entry]
    rows: Sequence[Mapping[str, str]]
    _protocols: dict[str, Protocol] = field(default_factory=dict)
    _findings: dict[str, list[Finding]] = field(default_factory=dict)

    @classmethod
    def read(cls, results: Path) -> Lookup:
        """Read both.

        Raises:
            HarnessError: one is broken.
        """
        return cls(results, read_catalogue(), stored_rows(results))

    @cached_property
    def questions(self) -> dict[str, str]:
        """What each study asks."""
        return {card.name: card.question for card in cards()}

    @cached_property
    def studies(self) -> list[str]:
        """Every study that is there, or has a row."""
        found = {row["run"].partition("/")[0] for row in self.rows if row["run"]}
        return sorted(found | set(self.questions))

    def protocol_of(self, run: str) -> Protocol:
        """The protocol of a run, by its place below the results folder.

        Raises:
            HarnessError: there is no such run, or it was edited.
        """
        if run not in self._protocols:
            self._protocols[run] = read_protocol(self.results / run)
        return self._protocols[run]

    def judged(self, claim: str) -> list[Mapping[str, str]]:
        """A claim's rows that a run is behind, its own before those of a counterpart.

        Raises:
            HarnessError: no run has judged it.
        """
        rows = [row for row in self.rows if row["claim"] == claim and row["run"]]
        if not rows:
            raise HarnessError(
                f"The claim {claim} is not tested yet: there is no verdict to show or to cite."
            )
        return sorted(rows, key=lambda row: row["kind"] != "claim")

    def claims_of(self, study: str) -> list[str]:
        """The claims that a published run of a study has judged, in the catalogue's order."""
        judged = {
            row["claim"]
            for row in self.rows
            if row["kind"] == "claim" and row["run"].partition("/")[0] == study
        }
        return [claim for claim in self.catalogue if claim in judged]

    def findings_of(self, row: Mapping[str, str]) -> list[Finding]:
        """The conditions of a row's claim, also those beyond its words.

        Of each experiment they are from the newest run that judged it.

        Raises:
            HarnessError: a run that it rests on is broken.
        """
        found: dict[str, list[Finding]] = {}
        for run in row["run"].split():
            if run not in self._findings:
                folder = RunFolder(self.results / run)
                self._findings[run] = read_records(folder, "verdicts.csv", Finding)
            of_run: dict[str, list[Finding]] = {}
            for finding in self._findings[run]:
                if finding.claim == row["claim"] and finding.verdict != "not tested":
                    of_run.setdefault(finding.experiment, []).append(finding)
            found = {**of_run, **found}
        return [finding for findings in found.values() for finding in findings]

    def unknown(self, given: str, *, runs: bool = True) -> HarnessError:
        """The refusal of a name that nothing has, with those most like it."""
        places = [place_of(folder) for folder in run_folders(self.results)] if runs else []
        known = [*self.catalogue, *self.studies, *places]
        what = "claim, study or run" if runs else "claim or study"
        return HarnessError(f"There is no {what} {given!r}.{did_you_mean(given, known)}")

    def cited(self, given: str) -> list[Cited]:
        """What is cited of a claim, a study or a run, once for each machine.

        Raises:
            HarnessError: there is no such thing, nothing is known of it, or its run is broken.
        """
        if given in self.catalogue:
            return [self.cited_row(row) for row in self.judged(given)]
        if given in self.studies:
            found = self.cited_study(given)
            if not found:
                raise HarnessError(f"No run of the study {given} is published yet.")
            return found
        try:
            folder = find_run(given, self.results)
        except HarnessError as error:
            raise self.unknown(given) from error
        return [self.cited_run(folder)]

    def cited_row(self, row: Mapping[str, str]) -> Cited:
        """What is cited of a claim on one machine.

        Raises:
            HarnessError: a run that it rests on is broken.
        """
        return cited_claim(self.catalogue[row["claim"]], row, self.protocol_of, project())

    def cited_study(self, study: str) -> list[Cited]:
        """What is cited of a study, for each machine; nothing where no run of it is published."""
        question = self.questions.get(study, "")
        return cited_study(study, question, self.rows, self.protocol_of, project())

    def cited_run(self, folder: RunFolder) -> Cited:
        """What is cited of a run, published or superseded.

        Raises:
            HarnessError: it is a quick run, is not judged, or is broken.
        """
        protocol = read_protocol(folder.path)
        if protocol.profile == "quick":
            raise HarnessError(f"{folder.path} is a quick run: a rehearsal, which is not cited.")
        machine = read_machine(folder.path, protocol)
        claims = read_records(folder, "claims.csv", ClaimFinding)
        return cited_run(
            place_of(folder),
            claims,
            machine=slug(machine),
            torch=str(machine["torch"]["version"]),
            protocol=protocol,
            project=project(),
        )
