"""The history of a claim's verdicts: what each stored run said of it, and since when it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.publishing.ledger import PublishedRun


@dataclass(frozen=True)
class Entry:
    """What one run said of a claim, and whether the ledger shows that run today."""

    date: str
    run: str
    machine: str
    device: str
    torch: str
    verdict: str
    number: str
    current: bool


def history(claim: str, runs: Sequence[PublishedRun], current: Sequence[str]) -> list[Entry]:
    """The verdicts on a claim, oldest first.

    Args:
        claim: its id.
        runs: all that are stored, oldest first.
        current: the names of those that the ledger shows.
    """
    return [
        Entry(
            date=run.protocol.started[:10],
            run=run.name,
            machine=run.machine,
            device=run.protocol.device,
            torch=run.torch,
            verdict=found.verdict,
            number=found.number,
            current=run.name in current,
        )
        for run in runs
        for found in run.claims
        if found.claim == claim and found.kind == "claim"
    ]


def moved(entries: Sequence[Entry]) -> str:
    """The date on which a verdict was last new on its machine, or another than before.

    Args:
        entries: as ``history`` gives them.

    Returns:
        A date, or an empty text where the claim has no verdict.
    """
    last: dict[tuple[str, str], str] = {}
    dates = []
    for entry in entries:
        place = entry.machine, entry.device
        if last.get(place) != entry.verdict:
            dates.append(entry.date)
        last[place] = entry.verdict
    return max(dates, default="")
