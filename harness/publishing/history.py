"""The history of a claim's verdicts: what each stored run said of it, and since when it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.publishing.ledger import PublishedRun


@dataclass(frozen=True)
class Entry:
    """What was said of a claim at one time, and whether that counts today.

    Attributes:
        date: of its newest rows.
        run: the run that has its rows, or several with blanks between them, newest first.
        machine: that measured them.
        device: likewise.
        torch: its version.
        verdict: as it was then.
        number: likewise.
        current: whether the ledger says this.
    """

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
        runs: all that are stored, oldest first; those that the ledger shows are completed by
            others.
        current: the names of those that the ledger shows.
    """
    told = sorted(
        (
            (run.started_of(found), run, found)
            for run in runs
            for found in run.claims
            if found.claim == claim and found.kind == "claim"
        ),
        key=lambda each: each[0],
    )
    entries = [
        Entry(
            date=started[:10],
            run=" ".join(run.runs_of(found)),
            machine=run.machine,
            device=run.protocol.device,
            torch=run.torch,
            verdict=found.verdict,
            number=found.number,
            current=run.name in current,
        )
        for started, run, found in told
    ]
    counting = {entry.run for entry in entries if entry.current}
    return [
        entry
        for entry in entries
        # What completes a newer run counts still; what a run has left out it says nothing of.
        if entry.current or (entry.run not in counting and entry.verdict != "not tested")
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
