"""The ledger's rows: which runs it shows, and what of each claim."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.design.entry import Entry
from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.judging.findings import ClaimFinding, Finding, Kind
from harness.judging.staleness import Staleness
from harness.judging.tables import records_table
from harness.judging.verdicts import Verdict
from harness.protocol.checksum import json_sha256
from harness.protocol.protocol import new_protocol, write_protocol
from harness.publishing.ledger import (
    COLUMNS,
    PublishedRun,
    ledger_rows,
    published_runs,
    without_outdated,
)
from harness.store.folders import RunFolder
from tests.harness.mortal import LONG
from tests.harness.runs import protocol_of


def found(claim: str, verdict: Verdict = "refuted", kind: Kind = "claim") -> ClaimFinding:
    return ClaimFinding(
        claim=claim,
        kind=kind,
        verdict=verdict,
        reason=f"{claim} is {verdict}",
        sentence=f"What came out for {claim}.",
        number="5 s in all 20 blocks",
        quantifier="always",
        holds=0,
        fails=1,
        judged=1,
        curve="",
        warnings="",
        experiments="first",
    )


def condition(claim: str, *, headline: bool, kind: Kind = "claim") -> Finding:
    return Finding(
        claim=claim,
        kind=kind,
        experiment="first",
        contrast="the headline" if headline else "another",
        reading="as it reads",
        why="",
        rule="median",
        region="at least 1",
        estimate=5.0 if headline else 9.0,
        low=4.0,
        high=6.0,
        unit="s",
        blocks=20,
        verdict="refuted",
        reason="no",
        number="5 s",
        headline=headline,
        warnings="",
    )


def entry(claim: str) -> Entry:
    return Entry(
        claim,
        says=f"What {claim} says.",
        scope="nets",
        document="A",
        section="Section",
        kind="number",
        study="long",
    )


def published(
    *claims: ClaimFinding, machine: str = "xeon-2c", stale: Staleness | None = None
) -> PublishedRun:
    folder = RunFolder(Path("results/long") / f"2026-01-01_{machine}")
    findings = [
        condition(claim.claim, headline=lead, kind=claim.kind)
        for claim in claims
        for lead in (False, True)
    ]
    protocol = protocol_of(LONG)
    now = stale or Staleness(LONG)
    return PublishedRun(folder, protocol, machine, "2.13.0", claims, findings, now)


CATALOGUE = {claim: entry(claim) for claim in ("C-1", "C-2", "C-3")}


def test_every_claim_of_the_catalogue_has_a_row_in_the_catalogues_order() -> None:
    table = ledger_rows(CATALOGUE, [published(found("C-3"), found("C-1", "reproduced"))])
    assert list(table.columns) == list(COLUMNS)
    assert table["claim"].tolist() == ["C-1", "C-2", "C-3"]
    assert table["verdict"].tolist() == ["reproduced", "not tested", "refuted"]
    assert table["run"].tolist() == ["long/2026-01-01_xeon-2c", "", "long/2026-01-01_xeon-2c"]
    untested = table.iloc[1]
    assert untested["says"] == "What C-2 says."
    assert untested["scope"] == "nets"
    assert untested["reason"] == "No study judges this claim yet."
    assert untested[["contrast", "estimate", "machine", "torch"]].tolist() == [""] * 4


OLD = Staleness(LONG, frozenset({"first"}))


def test_a_verdict_by_older_rules_gives_way_to_todays_on_another_machine() -> None:
    old = published(found("C-1", "reproduced"), found("C-2"), stale=OLD)
    new = published(found("C-1"), machine="epyc-2c")
    table = ledger_rows(CATALOGUE, without_outdated([old, new]))
    rows = table[table["run"] != ""]
    assert rows[["claim", "machine", "verdict"]].to_numpy().tolist() == [
        ["C-1", "epyc-2c", "refuted"],
        ["C-2", "xeon-2c", "refuted"],
    ]
    kept, _ = without_outdated([old, new])
    assert kept.outdated == {"C-1"}
    assert {finding.claim for finding in kept.findings} == {"C-2"}


def test_verdicts_by_the_same_rules_stand_side_by_side() -> None:
    """Both by older rules, both by today's, or today's run has not come to it."""
    one, other = published(found("C-1")), published(found("C-1"), machine="epyc-2c")
    older = published(found("C-1"), machine="old", stale=OLD)
    for runs in ([one, other], [older, replace(older, machine="older")]):
        assert without_outdated(runs) == runs
    unmeasured = published(found("C-1", "not tested"), machine="epyc-2c")
    assert without_outdated([older, unmeasured]) == [older, unmeasured]


def test_a_claim_carries_its_sentence_and_the_numbers_of_its_headline() -> None:
    row = ledger_rows(CATALOGUE, [published(found("C-1"))]).iloc[0]
    expected = {
        "kind": "claim",
        "sentence": "What came out for C-1.",
        "contrast": "the headline",
        "reading": "as it reads",
        "region": "at least 1",
        "estimate": "5",
        "low": "4",
        "high": "6",
        "unit": "s",
        "blocks": "20",
        "reason": "C-1 is refuted",
        "device": "cpu",
        "machine": "xeon-2c",
        "torch": "2.13.0",
        "stale": "",
    }
    assert row[list(expected)].to_dict() == expected


@pytest.mark.parametrize(
    ("stale", "said"),
    [
        (Staleness(LONG, frozenset({"first"})), "Made under rules that have changed since."),
        (Staleness(LONG, frozenset({"second"})), ""),
        (
            Staleness(None, frozenset({"first"}), problem="it does not parse"),
            "The study cannot be loaded today: it does not parse",
        ),
    ],
)
def test_a_verdict_by_rules_that_have_changed_since_says_so(stale: Staleness, said: str) -> None:
    row = ledger_rows(CATALOGUE, [published(found("C-1"), stale=stale)]).iloc[0]
    assert row["stale"] == said


def test_two_machines_give_two_rows() -> None:
    runs = [published(found("C-2")), published(found("C-2", "reproduced"), machine="h100")]
    table = ledger_rows(CATALOGUE, runs)
    assert table["claim"].tolist() == ["C-1", "C-2", "C-2", "C-3"]
    assert table["machine"].tolist() == ["", "xeon-2c", "h100", ""]


def test_a_counterpart_follows_its_claim_in_a_row_of_its_own_kind() -> None:
    run = published(found("C-2", "not measurable"), found("C-2", "refuted", "counterpart"))
    table = ledger_rows(CATALOGUE, [run])
    assert list(zip(table["claim"], table["kind"], table["verdict"], strict=True)) == [
        ("C-1", "claim", "not tested"),
        ("C-2", "claim", "not measurable"),
        ("C-2", "counterpart", "refuted"),
        ("C-3", "claim", "not tested"),
    ]


def test_a_verdict_on_a_claim_that_the_catalogue_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="claim 'C-9' is not in the catalogue"):
        ledger_rows(CATALOGUE, [published(found("C-9"))])


# -- which runs ------------------------------------------------------------------------------------


def stored(
    results: Path,
    name: str,
    *,
    day: int = 1,
    profile: Profile = "standard",
    device: str = "cpu",
    cpu: str = "Xeon",
) -> RunFolder:
    """A judged run in a results folder, without rows."""
    machine: dict[str, Any] = {"cpu": cpu, "cores": 2, "torch": {"version": "2.13.0"}}
    protocol = new_protocol(
        LONG,
        profile,
        device,
        0,
        started=f"2026-01-{day:02d}T00:00:00+00:00",
        commit="0000000",
        source_sha256="source",
        machine=machine,
    )
    folder = RunFolder(results / "long" / name)
    folder.path.mkdir(parents=True)
    write_protocol(folder.path, protocol, machine)
    own = [condition("C-1", headline=True)]
    records_table(Finding, own).to_csv(folder.path / "verdicts.csv", index=False)
    records_table(ClaimFinding, [found("C-1")]).to_csv(folder.path / "claims.csv", index=False)
    return folder


def names(results: Path) -> list[str]:
    return [run.name for run in published_runs(results)]


def test_of_a_study_on_one_machine_and_device_the_latest_run_counts(tmp_path: Path) -> None:
    stored(tmp_path, "a-newer", day=9)
    stored(tmp_path, "b-older", day=8)
    stored(tmp_path, "c-gpu", day=1, device="cuda")
    stored(tmp_path, "d-epyc", day=1, cpu="EPYC")
    assert sorted(names(tmp_path)) == ["long/a-newer", "long/c-gpu", "long/d-epyc"]


def test_quick_runs_are_never_published(tmp_path: Path) -> None:
    stored(tmp_path, "quick", day=9, profile="quick")
    stored(tmp_path, "standard", day=1)
    stored(tmp_path, "full", day=2, profile="full", cpu="EPYC")
    assert sorted(names(tmp_path)) == ["long/full", "long/standard"]


def test_a_published_run_has_the_records_of_its_tables(tmp_path: Path) -> None:
    stored(tmp_path, "run")
    (run,) = published_runs(tmp_path)
    assert run.machine == "xeon-2c"
    assert run.torch == "2.13.0"
    assert run.claims == [found("C-1")]
    assert run.findings == [condition("C-1", headline=True)]


def test_runs_of_a_file_outside_the_studies_are_never_published(tmp_path: Path) -> None:
    run = stored(tmp_path, "own")
    path = run.path / "protocol.json"
    assert names(tmp_path) == ["long/own"]
    content = json.loads(path.read_text())
    content["origin"] = "elsewhere/my_claim.py"
    content.pop("sha256")
    path.write_text(json.dumps({**content, "sha256": json_sha256(content)}))
    assert names(tmp_path) == []


def test_a_run_that_is_not_judged_yet_is_refused_with_the_command_that_judges_it(
    tmp_path: Path,
) -> None:
    folder = stored(tmp_path, "run")
    (folder.path / "verdicts.csv").unlink()
    with pytest.raises(
        HarnessError, match=f"not judged yet: python -m harness judge {folder.path}"
    ):
        published_runs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"claim,verdict\nC-1,refuted\n", b"\xff\xfe\x00"])
def test_what_is_no_table_of_verdicts_is_refused(content: bytes, tmp_path: Path) -> None:
    (stored(tmp_path, "run").path / "verdicts.csv").write_bytes(content)
    with pytest.raises(HarnessError, match=r"verdicts\.csv: "):
        published_runs(tmp_path)


def test_a_run_whose_machine_was_edited_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, "run").path / "machine.json"
    path.write_text(path.read_text().replace("Xeon", "Cray"))
    with pytest.raises(HarnessError, match=r"machine\.json: edited after the run"):
        published_runs(tmp_path)
