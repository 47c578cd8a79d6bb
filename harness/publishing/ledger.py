"""The ledger: every claim of the catalogue with its verdict, one row a claim and machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import pandas as pd

from harness.catalogue.claims import Entry
from harness.errors import HarnessError
from harness.judging.counterpart import claim_of
from harness.judging.judge import is_stale
from harness.judging.tables import CONTROL, VERDICT_COLUMNS
from harness.meters.machine import slug
from harness.protocol.protocol import Protocol, read_machine
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun, reference_runs

COLUMNS = (
    "claim",
    "document",
    "section",
    "says",
    "study",
    "contrast",
    "region",
    "estimate",
    "low",
    "high",
    "unit",
    "blocks",
    "verdict",
    "reason",
    "device",
    "machine",
    "torch",
    "run",
)


@dataclass(frozen=True)
class PublishedRun:
    """A run as the ledger sees it: its protocol, its machine and its verdicts.

    ``verdicts`` has the columns of ``verdicts.csv``, all text; ``stale`` says that the rules of the
    study have changed since.
    """

    folder: RunFolder
    protocol: Protocol
    machine: str
    torch: str
    verdicts: pd.DataFrame
    stale: bool

    @property
    def name(self) -> str:
        """The run's place below the results folder."""
        return f"{self.protocol.study}/{self.folder.path.name}"


def published_runs(results: Path) -> list[PublishedRun]:
    """The runs that the ledger shows: of each study, machine and device the latest reference run.

    Quick runs are never among them.

    Raises:
        HarnessError: a run is unfinished, not judged yet, or broken.
    """
    latest: dict[tuple[str, str, str], tuple[StoredRun, str]] = {}
    runs = reference_runs(results)
    for run in sorted(runs, key=lambda run: run.protocol.started, reverse=True):
        machine = read_machine(run.folder.path, run.protocol)
        key = (run.protocol.study, slug(machine), run.protocol.device)
        latest.setdefault(key, (run, machine["torch"]["version"]))
    return [
        PublishedRun(
            run.folder,
            run.protocol,
            machine,
            torch,
            _read_verdicts(run.folder),
            is_stale(run.protocol),
        )
        for (_, machine, _), (run, torch) in sorted(latest.items(), key=itemgetter(0))
    ]


def ledger_rows(catalogue: dict[str, Entry], runs: Sequence[PublishedRun]) -> pd.DataFrame:
    """One row for each claim and machine; a claim that no run judges has one row, `not tested`.

    A claim about a GPU that another device has a counterpart of is followed by that in a row of
    its own.

    Args:
        catalogue: all claims by id.
        runs: what ``published_runs`` found.

    Returns:
        A table of text with the columns of ``results/claims.csv``, in the catalogue's order.

    Raises:
        HarnessError: a run judges a claim that the catalogue lacks.
    """
    judged: dict[str, list[dict[str, str]]] = {}
    for run in runs:
        for group, rows in run.verdicts.groupby("claim", sort=False):
            name = str(group)
            if name.startswith(CONTROL):
                continue
            claim = claim_of(name)
            if claim not in catalogue:
                raise HarnessError(f"{run.folder.path}: claim {claim!r} is not in the catalogue.")
            judged.setdefault(claim, []).append(_row(run, rows) | {"claim": name})
    table = []
    for claim, entry in catalogue.items():
        words = {c: getattr(entry, c) for c in ("claim", "document", "section", "says", "study")}
        nothing = {"verdict": "not tested", "reason": "No study judges this claim yet."}
        table += [{**words, **row} for row in judged.get(claim, [nothing])]
    return pd.DataFrame(table, columns=list(COLUMNS), dtype=object).fillna("")


def telling_condition(rows: pd.DataFrame) -> pd.Series[str]:
    """The condition a claim's row shows: the first that decided its verdict.

    For a mixed claim that is the first counterexample.
    """
    verdict = rows["claim_verdict"].iloc[0]
    sought = "refuted" if verdict == "mixed" else verdict
    matching = rows[rows["verdict"] == sought]
    return (matching if len(matching) else rows).iloc[0]


def _row(run: PublishedRun, rows: pd.DataFrame) -> dict[str, str]:
    shown = telling_condition(rows)
    contrast = shown["contrast"]
    if len(rows) > 1:
        contrast += f" (one of {len(rows)} conditions)"
    numbers = {c: shown[c] for c in ("region", "estimate", "low", "high", "unit", "blocks")}
    reason = shown["reason"] if len(rows) == 1 else shown["claim_reason"]
    if run.stale:
        reason += " The study's rule has changed since this run."
    return numbers | {
        "contrast": contrast,
        "verdict": shown["claim_verdict"],
        "reason": reason,
        "device": run.protocol.device,
        "machine": run.machine,
        "torch": run.torch,
        "run": run.name,
    }


def _read_verdicts(folder: RunFolder) -> pd.DataFrame:
    path = folder.path / "verdicts.csv"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise HarnessError(
            f"{folder.path}: the run is not judged yet: python -m harness judge {folder.path}"
        ) from error
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: this is not a table of verdicts ({error}).") from error
    if tuple(table.columns) != VERDICT_COLUMNS:
        raise HarnessError(f"{path}: the columns must be {', '.join(VERDICT_COLUMNS)}.")
    return table
