"""The arithmetic of a training: what the formulas say, and where the listed loop does otherwise."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.publishing.arithmetic_told import LOOP, rows, sentences, title
from harness.workloads.arithmetic import Run, looped


def show_arithmetic(run: Run) -> None:
    """Print every number of a run by formula and by the listed loop, and why they part."""
    console = Console(highlight=False)
    does = looped(run)
    console.print(Text(title(run), style="bold"), soft_wrap=True)
    table = Table(box=box.SIMPLE)
    table.add_column("")
    table.add_column("formula")
    table.add_column("gives", justify="right")
    table.add_column("the loop does", justify="right")
    for what, formula, given, done in rows(run, does):
        style = "" if given == done else "yellow"
        table.add_row(what, formula, Text(given, style=style), Text(done, style=style))
    console.print(table)
    for sentence in (*sentences(run, does), LOOP):
        console.print(sentence, soft_wrap=True)
