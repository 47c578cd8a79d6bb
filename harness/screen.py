"""What the command line prints: tables of studies, claims and verdicts."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from harness.judge import JudgedRun, number

COLOURS = {
    "reproduced": "green",
    "refuted": "red",
    "mixed": "yellow",
    "inconclusive": "magenta",
    "not measurable": "blue",
    "not tested": "dim",
}


def show_judgement(judged: JudgedRun) -> None:
    """The table of a run's claims: verdict, estimate, interval and blocks of each condition."""
    table = Table(title=f"{judged.protocol.study} ({judged.protocol.profile})")
    for column in ("claim", "verdict", "contrast", "estimate", "low", "high", "unit", "blocks"):
        table.add_column(column, overflow="fold")
    for claim in judged.claims:
        table.add_row(claim.claim, _coloured(claim.judgement.verdict), claim.judgement.reason)
        for c in claim.conditions:
            e = c.effect
            table.add_row(
                "", _coloured(c.judgement.verdict), c.label,
                number(e.estimate), number(e.low), number(e.high), c.condition.unit, str(e.blocks),
            )
    Console().print(table)


def _coloured(verdict: str) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"
