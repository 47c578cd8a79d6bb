"""The history of a claim's verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judging.verdicts import Verdict
from harness.publishing.history import Entry, history, moved
from harness.publishing.ledger import PublishedRun
from tests.harness.publishing.test_ledger import found, published


def run_of(date: str, verdict: Verdict, machine: str = "xeon") -> PublishedRun:
    run = published(found("C-1", verdict), found("C-1", "mixed", "counterpart"), machine=machine)
    return replace(run, protocol=replace(run.protocol, started=f"{date}T00:00:00+00:00"))


def entry(date: str, verdict: str, machine: str = "xeon") -> Entry:
    return Entry(date, f"long/{date}", machine, "cpu", "2.13.0", verdict, "5 s", current=True)


def test_every_run_that_judged_a_claim_has_an_entry_and_counterparts_have_none() -> None:
    runs = [run_of("2026-01-01", "refuted"), run_of("2026-02-01", "mixed", "h100")]
    told = history("C-1", runs, [runs[1].name])
    assert [(e.date, e.machine, e.verdict, e.current) for e in told] == [
        ("2026-01-01", "xeon", "refuted", False),
        ("2026-02-01", "h100", "mixed", True),
    ]
    assert history("C-2", runs, []) == []


@pytest.mark.parametrize(
    ("entries", "date"),
    [
        ([], ""),
        ([entry("2026-01-01", "mixed")], "2026-01-01"),
        ([entry("2026-01-01", "mixed"), entry("2026-02-01", "mixed")], "2026-01-01"),
        ([entry("2026-01-01", "mixed"), entry("2026-02-01", "refuted")], "2026-02-01"),
        ([entry("2026-01-01", "mixed"), entry("2026-02-01", "mixed", "h100")], "2026-02-01"),
        (
            [
                entry("2026-01-01", "mixed"),
                entry("2026-02-01", "refuted", "h100"),
                entry("2026-03-01", "mixed"),
            ],
            "2026-02-01",
        ),
    ],
)
def test_a_verdict_moves_when_it_is_new_on_its_machine_or_another_than_before(
    entries: list[Entry], date: str
) -> None:
    assert moved(entries) == date
