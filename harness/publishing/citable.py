"""From the ledger and its runs to what is cited of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.design.entry import Entry
from harness.judging.findings import ClaimFinding
from harness.protocol.protocol import Protocol
from harness.publishing.citation import Cited
from harness.publishing.project import Project
from harness.words import counts_text

#: Gives the protocol of a run by its place below the results folder.
ProtocolOf = Callable[[str], Protocol]
_NUMBERS = ("estimate", "low", "high", "unit", "blocks")


def cited_claim(
    entry: Entry, row: Mapping[str, str], protocol_of: ProtocolOf, project: Project
) -> Cited:
    """What is cited of a claim.

    Args:
        entry: the claim, in the catalogue's words.
        row: what the ledger holds of it on one machine, by a run.
        protocol_of: of the runs that the row names.
        project: this one.
    """
    runs = row["run"].split()
    return Cited(
        kind="claim",
        id=entry.claim,
        counterpart=row["device"] if row["kind"] == "counterpart" else "",
        verdict=row["verdict"],
        says=entry.says,
        sentence=row["sentence"],
        numbers={name: row[name] for name in _NUMBERS},
        machine=row["machine"],
        device=row["device"],
        torch=row["torch"],
        project=project,
        **_made(runs, protocol_of),
    )


def cited_study(
    study: str,
    question: str,
    rows: Sequence[Mapping[str, str]],
    protocol_of: ProtocolOf,
    project: Project,
) -> list[Cited]:
    """What is cited of a study, for each machine and device that measured it.

    Args:
        study: its name.
        question: what it asks.
        rows: of the ledger, whatever they are of.
        protocol_of: of the runs that the rows name.
        project: this one.
    """
    places: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        if row["kind"] == "claim" and row["run"].partition("/")[0] == study:
            place = row["machine"], row["device"], row["torch"]
            places.setdefault(place, []).append(row)
    return [
        Cited(
            kind="study",
            id=study,
            verdict=counts_text([row["verdict"] for row in own]),
            says=question,
            sentence="",
            machine=machine,
            device=device,
            torch=torch,
            project=project,
            **_made([run for row in own for run in row["run"].split()], protocol_of),
        )
        for (machine, device, torch), own in places.items()
    ]


def cited_run(
    run: str,
    claims: Sequence[ClaimFinding],
    *,
    machine: str,
    torch: str,
    protocol: Protocol,
    project: Project,
) -> Cited:
    """What is cited of a run.

    Args:
        run: its place below the results folder.
        claims: as it judged them.
        machine: the machine's short name.
        torch: its version.
        protocol: the run's.
        project: this one.
    """
    return Cited(
        kind="run",
        id=run,
        verdict=counts_text([claim.verdict for claim in claims if claim.kind == "claim"]),
        says="",
        sentence="",
        machine=machine,
        device=protocol.device,
        torch=torch,
        project=project,
        **_made([run], lambda _: protocol),
    )


def _made(runs: Sequence[str], protocol_of: ProtocolOf) -> dict[str, Any]:
    """The runs, newest first, with their commits and the date of the newest."""
    protocols = {run: protocol_of(run) for run in dict.fromkeys(runs)}
    newest_first = sorted(protocols, key=lambda run: protocols[run].started, reverse=True)
    return {
        "runs": tuple(newest_first),
        "commits": tuple(dict.fromkeys(protocols[run].commit for run in newest_first)),
        "date": protocols[newest_first[0]].started[:10],
    }
