"""One claim on one page: its words, its protocol, its result, and how to cite it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.catalogue.cards import study_names
from harness.catalogue.claims import Entry, read_catalogue
from harness.catalogue.loading import load_study
from harness.cli.menu import stored_ledger, verdict_text
from harness.design.experiment import Claim, Experiment, Unmeasurable
from harness.errors import HarnessError
from harness.judging.counterpart import claim_of, is_counterpart
from harness.words import quantity

#: Conditions shown an experiment; all of them stand in the run's verdicts.csv.
SHOWN = 8
TITLE = "training-claims: controlled experiments on claims about PyTorch training"


def show_claim(claim: str, results: Path) -> None:
    """Print the page of a claim.

    Raises:
        HarnessError: the catalogue has no such claim.
    """
    catalogue = read_catalogue()
    if claim not in catalogue:
        near = [name for name in catalogue if name.lower().startswith(claim.lower()[:4])]
        hint = f" Do you mean one of {', '.join(near[:8])}?" if near else ""
        raise HarnessError(f"There is no claim {claim!r}.{hint}")
    entry = catalogue[claim]
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(f"{claim}: {entry.says}", style="bold"))
    console.print(f"Document {entry.document}, {entry.section}. Study {entry.study}.\n")
    _show_protocol(console, entry)
    for name, rows in stored_ledger(results).items():
        for row in rows if claim_of(name) == claim else ():
            _show_result(console, entry, row)


def citation(entry: Entry, row: dict[str, str]) -> str:
    """How to cite a verdict: it names the run, which does not change once it is published."""
    date = row["run"].rpartition("/")[2][:10]
    numbers = f"; {row['contrast']}: {_numbers(row)}" if row["estimate"] else ""
    return (
        f"The training-claims contributors ({date[:4]}). {TITLE}. "
        f'Claim {row["claim"]}: "{entry.says}" Verdict: {row["verdict"]}{numbers}. '
        f"Run {row['run']}, torch {row['torch']}, {row['device']}."
    )


def _show_protocol(console: Console, entry: Entry) -> None:
    console.print(Text("Protocol", style="bold"))
    if entry.study not in study_names():
        console.print("No study judges this claim yet.\n")
        return
    study = load_study(entry.study)
    for name, experiment in study.experiments.items():
        if entry.claim in experiment.claim_ids():
            _show_experiment(console, entry, name, experiment)
    console.print()


def _show_experiment(
    console: Console, entry: Entry, name: str, experiment: Experiment[object]
) -> None:
    blocks = experiment.blocks
    console.print(
        f"{name}: {experiment.question} "
        f"(blocks: {blocks.quick} quick, {blocks.standard} standard, {blocks.full} full)"
    )
    for rule in experiment.claims:
        if isinstance(rule, Unmeasurable) and rule.id == entry.claim:
            console.print(f"  not measurable; it takes {rule.needs}: {rule.why}")
    conditions = [
        (comparison, region)
        for rule, comparison, region in experiment.conditions()
        if isinstance(rule, Claim) and rule.id == entry.claim
    ]
    for comparison, region in conditions[:SHOWN]:
        console.print(f"  {comparison}: holds if {region}", markup=False)
    if len(conditions) > SHOWN:
        console.print(f"  and {len(conditions) - SHOWN} more conditions of this kind")


def _show_result(console: Console, entry: Entry, row: dict[str, str]) -> None:
    of = f" of {row['claim']}" if is_counterpart(row["claim"]) else ""
    console.print(Text(f"Result{of}: ", style="bold").append_text(verdict_text(row["verdict"])))
    if not row["run"]:
        console.print(f"{row['reason']}\n")
        return
    if row["estimate"]:
        console.print(f"{row['contrast']}: {_numbers(row)}", markup=False)
    console.print(f"{row['reason']}", markup=False)
    console.print(f"Machine {row['machine']} ({row['device']}), torch {row['torch']}")
    console.print(f"Rows, protocol and figures: results/{row['run']}\n")
    console.print(Text("How to cite", style="bold"))
    console.print(citation(entry, row), markup=False)


def _numbers(row: dict[str, str]) -> str:
    return (
        f"{quantity(row['estimate'], row['unit'])} (99 % interval {row['low']} to {row['high']}, "
        f"{row['blocks']} blocks)"
    )
