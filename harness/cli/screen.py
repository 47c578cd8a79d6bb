"""What the command line prints of a judged run."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from harness.cli.menu import verdict_text
from harness.judging.judge import JudgedCondition, JudgedRun
from harness.words import quantity

#: Conditions shown a claim; the rest stand in verdicts.csv.
SHOWN = 6


def show_judgement(judged: JudgedRun) -> None:
    """The table of a run's claims: verdict, then its conditions with estimate and interval."""
    title = f"Claims of {judged.protocol.study}, profile {judged.protocol.profile}"
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("claim", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("what was compared", min_width=24)
    table.add_column("estimate\n99 % interval", justify="right", no_wrap=True)
    table.add_column("blocks", justify="right", no_wrap=True)
    for claim in judged.claims:
        single = claim.conditions if len(claim.conditions) == 1 else ()
        reason = Text(claim.judgement.reason)
        first = _cells(single[0]) if single else (reason, "", "")
        table.add_row(claim.claim, verdict_text(claim.judgement.verdict), *first)
        if not single:
            for condition in claim.conditions[:SHOWN]:
                table.add_row("", verdict_text(condition.judgement.verdict), *_cells(condition))
            if len(claim.conditions) > SHOWN:
                more = len(claim.conditions) - SHOWN
                table.add_row("", "", f"and {more} more conditions in verdicts.csv")
        table.add_section()
    for control in judged.controls:
        table.add_row("control", verdict_text(control.judgement.verdict), *_cells(control))
    console = Console()
    console.print(table)
    if judged.stale:
        console.print(
            "The study's rules have changed since this run; "
            "it is judged by the rules stored with it."
        )


def _cells(judged: JudgedCondition) -> tuple[Group | Text, str, str]:
    effect = judged.effect
    if effect.problem:
        return Group(Text(judged.label), Text(effect.problem, style="dim")), "", str(effect.blocks)
    words = Group(Text(judged.label), Text(f"holds if {judged.condition.region}", style="dim"))
    if not effect.blocks:
        return words, "", ""
    estimate = quantity(f"{effect.estimate:.3g}", judged.condition.unit)
    numbers = f"{estimate}\n{effect.low:.3g} to {effect.high:.3g}"
    return words, numbers, str(effect.blocks)
