"""What a run on a device would measure, in the order it would take it, and how long that takes."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.protocol.rules import study_rules
from harness.protocol.selection import by_worth, claims_of, guessed_seconds, needs_device
from harness.store.durations import known_durations
from harness.words import plural

DEVICES = ("cpu", "cuda")


def show_forecast(device: str, profile: Profile, results: Path) -> None:
    """A line an experiment: its claims on the device, its blocks, and its time if that is known.

    Raises:
        HarnessError: no such device, or a study that cannot be loaded.
    """
    if device not in DEVICES:
        raise HarnessError(f"There is no device {device!r}; choose one of {', '.join(DEVICES)}.")
    table = Table(title=f"What would run on {device}, profile {profile}")
    for column in ("study", "experiment", f"needs {device}"):
        table.add_column(column)
    for column in ("claims", "blocks", "seconds"):
        table.add_column(column, justify="right")
    total, guessed = 0.0, 0
    for name in study_names():
        known = known_durations(results, name, device, profile)
        rules = study_rules(load_study(name), profile).values()
        for each in by_worth((r for r in rules if r.measurable_on(device)), device, known):
            seconds = known.get(each.name)
            total += seconds if seconds is not None else guessed_seconds(each)
            guessed += seconds is None
            table.add_row(
                name,
                each.name.replace("_", " "),
                "yes" if needs_device(each, device) else "",
                str(len(claims_of(each, device))),
                str(each.blocks),
                f"{seconds:.0f}" if seconds is not None else f"about {guessed_seconds(each):.0f}?",
            )
    console = Console(highlight=False)
    console.print(table)
    console.print(f"In all about {total / 60:.0f} min, one block after another.")
    if guessed:
        console.print(
            f"Of {plural(guessed, 'experiment')} nobody has recorded the time: the number with a "
            "question mark is guessed from the design."
        )
