"""One claim on one page: its words and scope, the reading, what was found, and how to cite it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.catalogue.cards import study_names
from harness.catalogue.claims import read_catalogue
from harness.catalogue.loading import load_study
from harness.cli.menu import verdict_text
from harness.cli.screen import condition_line
from harness.design.claims import Claim, Control, Unmeasurable
from harness.design.entry import Entry
from harness.design.experiment import Experiment
from harness.errors import HarnessError
from harness.judging.warnings import WARNINGS
from harness.publishing.citable import cited_claim
from harness.publishing.citation import apa
from harness.publishing.lookup import Lookup
from harness.publishing.project import project
from harness.publishing.stored import stored_rows
from harness.words import did_you_mean, plural, shown

#: Conditions shown of one kind; all of them stand in the study's page and in verdicts.csv.
SHOWN = 8


def show_claim(claim: str, results: Path) -> None:
    """Print the page of a claim.

    Raises:
        HarnessError: the catalogue has no such claim.
    """
    catalogue = read_catalogue()
    if claim not in catalogue:
        raise HarnessError(f"There is no claim {claim!r}.{did_you_mean(claim, catalogue)}")
    entry = catalogue[claim]
    console = Console(soft_wrap=True, highlight=False)
    _show_words(console, entry)
    rows = [row for row in stored_rows(results) if row["claim"] == claim]
    lookup = Lookup(results, catalogue, rows)
    for row in rows:
        _show_result(console, entry, row, lookup)
    if not rows:
        _show_plan(console, entry)


def _show_words(console: Console, entry: Entry) -> None:
    console.print(Text(f"{entry.claim}: {entry.says}", style="bold"))
    console.print(Text(f"Document {entry.document}, {entry.section}. Study {entry.study}."))
    console.print(Text(f"It speaks of: {entry.scope}. Judged as {entry.quantifier!r}."))
    if entry.same_as:
        console.print(Text(f"The same statement: {', '.join(entry.same_as.split())}."))
    console.print()


def _show_result(console: Console, entry: Entry, row: Mapping[str, str], lookup: Lookup) -> None:
    counterpart = row["kind"] == "counterpart"
    of = f" (counterpart: what {row['device']} gives by the same code)" if counterpart else ""
    console.print(Text(f"Result{of}: ", style="bold").append_text(verdict_text(row["verdict"])))
    if not row["run"]:
        console.print(Text(f"{row['reason']}\n"))
        return
    console.print(Text(shown(row["sentence"])))
    if row["reason"] != row["sentence"]:
        console.print(Text(shown(row["reason"])))
    if row["curve"]:
        console.print(Text(row["curve"]))
    _show_conditions(console, row, lookup)
    for name in row["warnings"].split():
        console.print(Text(f"Warning {name}: {WARNINGS[name].says} {WARNINGS[name].try_}"))
    if row["stale"]:
        console.print(Text(shown(row["stale"])))
    console.print(Text(f"Machine {row['machine']} ({row['device']}), torch {row['torch']}"))
    places = ", ".join(f"results/{run}" for run in row["run"].split())
    console.print(Text(f"Rows, protocol and figures: {places}\n"))
    console.print(Text("How to cite", style="bold"))
    cited = cited_claim(entry, row, lookup.protocol_of, project())
    console.print(Text(f"{apa(cited)}\n"))


def _show_conditions(console: Console, row: Mapping[str, str], lookup: Lookup) -> None:
    findings = lookup.findings_of(row)
    own = [f for f in findings if f.kind == row["kind"]]
    for reading in dict.fromkeys(f.reading for f in own if f.reading):
        console.print(Text(f"Reading: {reading}", style="italic"))
    beyond = [f for f in findings if f.kind == "beyond"]
    for title, shown_here in (("Judged", own), ("Beyond the document's words", beyond)):
        if shown_here:
            console.print(Text(f"{title}:"))
        for finding in shown_here[:SHOWN]:
            console.print(condition_line(finding))
        if len(shown_here) > SHOWN:
            more = len(shown_here) - SHOWN
            place = row["run"].split()[0]
            console.print(Text(f"  and {plural(more, 'more condition')} in results/{place}"))


def _show_plan(console: Console, entry: Entry) -> None:
    """How a claim would be judged that no published run has judged yet."""
    if entry.study not in study_names():
        console.print("No study judges this claim yet.\n")
        return
    study = load_study(entry.study)
    for name, experiment in study.experiments.items():
        if entry.claim in experiment.claim_ids():
            _show_experiment(console, entry, name, experiment)


def _show_experiment(
    console: Console, entry: Entry, name: str, experiment: Experiment[object]
) -> None:
    blocks = experiment.blocks
    console.print(
        Text(
            f"{name.replace('_', ' ')}: {experiment.question} "
            f"(blocks: {blocks.quick} quick, {blocks.standard} standard, {blocks.full} full)"
        )
    )
    for rule in experiment.claims:
        if isinstance(rule, Unmeasurable) and rule.id == entry.claim:
            console.print(Text(f"  not measurable; it takes {rule.needs}: {rule.why}"))
        if isinstance(rule, Claim) and rule.id == entry.claim:
            console.print(Text(f"  Reading: {rule.reading}"))
    own = [
        posed
        for posed in experiment.conditions()
        if not isinstance(posed.rule, Control) and posed.rule.id == entry.claim
    ]
    for posed in own[:SHOWN]:
        beyond = "beyond the document's words: " if posed.kind == "beyond" else ""
        label = experiment.label(posed.comparison)
        console.print(Text(f"  {beyond}{label}: holds if {posed.region}"))
    if len(own) > SHOWN:
        console.print(Text(f"  and {plural(len(own) - SHOWN, 'more condition')}"))
