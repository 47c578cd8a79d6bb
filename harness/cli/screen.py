"""What the command line prints of a judged run: one screen, and everything else on request."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.cli.menu import verdict_text
from harness.judging.findings import ClaimFinding, Finding
from harness.judging.judge import JudgedRun
from harness.judging.warnings import WARNINGS
from harness.publishing.agreement import Agreement
from harness.words import COLOURS, plural, shown

#: Claims named beside a warning.
NAMED = 6
#: What a reader should look at first.
FIRST = ("mixed", "refuted", "inconclusive", "reproduced", "not measurable", "not tested")


def show_judgement(
    judged: JudgedRun, agreement: Agreement | None = None, *, details: bool = False
) -> None:
    """A run's verdicts on one screen: counts, a line a claim, controls, warnings, agreement.

    Args:
        judged: the run.
        agreement: how it compares with the published run, if there is one.
        details: also every condition, with its reading.
    """
    console = Console(highlight=False)
    protocol = judged.protocol
    own = [claim for claim in judged.claims if claim.kind == "claim"]
    counts = verdict_counts(judged)
    console.print(
        Text(
            f"{protocol.study}, profile {protocol.profile}, {protocol.device}: ", style="bold"
        ).append_text(counts_text(counts))
    )
    # In a terminal a claim takes one line, cut at its end; in a file or a pipe it is whole.
    for line in claims_lines(judged):
        if console.is_terminal:
            console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            console.print(line, soft_wrap=True)
    if details:
        for claim in judged.claims:
            show_conditions(console, claim, judged.of(claim), judged.beyond(claim.claim))
    console.print(controls_line(judged.controls))
    for line in warning_lines(own):
        console.print(line)
    if judged.stale:
        console.print(stale_line(judged))
    if agreement is not None:
        console.print(agreement.sentence)


def verdict_counts(judged: JudgedRun) -> Counter[str]:
    """How many of a run's claims have which verdict."""
    return Counter(claim.verdict for claim in judged.claims if claim.kind == "claim")


def counts_text(counts: Counter[str]) -> Text:
    """How many claims have which verdict, each in its colour."""
    parts = [
        Text(f"{counts[verdict]} {verdict}", style=COLOURS[verdict])
        for verdict in COLOURS
        if counts[verdict]
    ]
    return Text(", ").join(parts) if parts else Text("no claim")


def claims_lines(judged: JudgedRun) -> list[Text]:
    """One line a claim: what needs a look first, then the rest in the study's order."""
    claims = sorted(judged.claims, key=lambda claim: FIRST.index(claim.verdict))
    names = [
        claim.claim if claim.kind == "claim" else f"{claim.claim} ({judged.protocol.device})"
        for claim in claims
    ]
    widest = max(map(len, names), default=0)
    verdicts = max((len(claim.verdict) for claim in claims), default=0)
    return [
        Text(f"{name:{widest}}  ")
        .append_text(verdict_text(claim.verdict))
        .append(" " * (verdicts - len(claim.verdict) + 2))
        .append(found_in_short(claim, judged.of(claim)))
        for name, claim in zip(names, claims, strict=True)
    ]


def found_in_short(claim: ClaimFinding, own: Sequence[Finding]) -> str:
    """What was found, the number first, so that it is seen where a line is cut."""
    lead = next((finding for finding in own if finding.headline), None)
    if lead is None or not lead.number:
        return shown(claim.sentence)
    number = lead.number.replace("99 % interval ", "").replace("of the share ", "")
    number = re.sub(r", \d+ blocks?\)", ")", number)
    text = f"{number}: {lead.contrast}"
    return shown(f"{claim.holds} of {claim.judged} hold; {text}" if claim.judged > 1 else text)


def show_conditions(
    console: Console, claim: ClaimFinding, own: Sequence[Finding], beyond: Sequence[Finding]
) -> None:
    """Every condition of a claim with its number, and what lies beyond its words."""
    console.print()
    console.print(Text(f"{claim.claim} ", style="bold").append_text(verdict_text(claim.verdict)))
    console.print(Text(shown(claim.reason)))
    for reading in dict.fromkeys(finding.reading for finding in own if finding.reading):
        console.print(Text(f"Reading: {reading}", style="italic"))
    for finding in own:
        console.print(condition_line(finding))
    for finding in beyond:
        line = condition_line(finding)
        console.print(Text("  beyond the document's words: ", style="dim").append_text(line))
    if claim.curve:
        console.print(f"  {claim.curve}")


def condition_line(finding: Finding) -> Text:
    """A condition in one line: verdict, what was compared, the number, where it would hold."""
    number = finding.number or shown(finding.reason)
    return (
        Text("  ")
        .append_text(verdict_text(finding.verdict))
        .append(f"  {finding.contrast}: {number}; holds if {finding.region}")
    )


def controls_line(controls: Sequence[Finding]) -> Text:
    """One line for all controls; one that did not come out as it must is named."""
    failed = [control for control in controls if control.troubles]
    held = len(controls) - len(failed)
    if not controls:
        return Text("Controls: none.")
    if not failed:
        return Text(f"Controls: all {plural(held, 'condition')} came out as they must.")
    names = "; ".join(
        dict.fromkeys(f"{c.claim} ({c.experiment.replace('_', ' ')}, {c.verdict})" for c in failed)
    )
    return Text(f"Controls: {held} of {len(controls)} came out as they must; not: {shown(names)}.")


def warning_lines(claims: Sequence[ClaimFinding]) -> list[Text]:
    """One line for each kind of warning: which claims have it, what it says, what to try."""
    lines = []
    for name, warned in WARNINGS.items():
        having = [claim.claim for claim in claims if name in claim.warnings.split()]
        if having:
            more = f" and {len(having) - NAMED} more" if len(having) > NAMED else ""
            some = ", ".join(having[:NAMED]) + more
            lines.append(Text(f"Warning {name} ({some}): {warned.says} {warned.try_}"))
    return lines


def stale_line(judged: JudgedRun) -> Text:
    """That the study has changed since the run, and where."""
    if judged.stale.problem:
        return Text(f"The study cannot be loaded today: {shown(judged.stale.problem)}")
    names = ", ".join(sorted(judged.stale.changed))
    return Text(
        f"Rules have changed since this run ({names}); it is judged by those stored with it."
    )


def show_paths(run: Path, page: Path, figures: Path | None) -> None:
    """Where to read on: three paths, or two where no figure was drawn."""
    out = Console(highlight=False)
    out.print(f"Run     {run}", soft_wrap=True)
    out.print(f"Page    {page}", soft_wrap=True)
    if figures is not None and figures.is_dir():
        out.print(f"Figures {figures}", soft_wrap=True)
