"""A study looked over before it runs: what it will judge, or every fault it has."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text

from harness.catalogue.loading import load_study
from harness.words import plural


def show_check(name: str) -> None:
    """Print what a study will measure and judge, an experiment a line.

    Raises:
        HarnessError: the study cannot be loaded, or breaks a rule of validity; names every fault.
    """
    study = load_study(name)
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{study.name}: {study.question}", style="bold"))
    for experiment_name, experiment in study.experiments.items():
        kinds = Counter(posed.kind for posed in experiment.conditions())
        console.print(
            Text(
                f"  {experiment_name.replace('_', ' ')}: {plural(len(experiment.arms()), 'arm')}, "
                f"{plural(experiment.blocks.standard, 'block')} (standard); "
                f"{plural(kinds['claim'], 'condition')} of "
                f"{plural(len(experiment.claim_ids()), 'claim')}, "
                f"{kinds['beyond']} beyond their words, {plural(kinds['control'], 'control')}"
            )
        )
    console.print(f"No fault found in {plural(len(study.experiments), 'experiment')}.")
