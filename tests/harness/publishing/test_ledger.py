"""The ledger's rows: which runs it shows, and what of each claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.catalogue.claims import Entry
from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.judging.tables import VERDICT_COLUMNS
from harness.protocol.protocol import new_protocol, write_protocol
from harness.publishing.ledger import (
    COLUMNS,
    PublishedRun,
    ledger_rows,
    published_runs,
    telling_condition,
)
from harness.store.folders import RunFolder
from tests.harness.mortal import LONG
from tests.harness.runs import protocol_of


def verdicts(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """A table of verdicts from claim, the claim's verdict and the condition's."""
    table = pd.DataFrame(
        [
            {
                "claim": claim,
                "claim_verdict": overall,
                "claim_reason": f"{overall} overall",
                "contrast": f"contrast {place}",
                "region": "at least 1",
                "estimate": str(place),
                "low": "0",
                "high": "9",
                "unit": "s",
                "blocks": "20",
                "verdict": verdict,
                "reason": f"reason {place}",
            }
            for place, (claim, overall, verdict) in enumerate(rows)
        ],
        columns=list(VERDICT_COLUMNS),
        dtype="str",
    )
    return table.fillna("")


def entry(claim: str) -> Entry:
    return Entry(claim, "A", "Section", f"What {claim} says.", "number", "cpu", "long")


def published(
    *rows: tuple[str, str, str], machine: str = "xeon-2c", stale: bool = False
) -> PublishedRun:
    folder = RunFolder(Path("results/long") / f"2026-01-01_{machine}")
    return PublishedRun(folder, protocol_of(LONG), machine, "2.13.0", verdicts(*rows), stale)


CATALOGUE = {claim: entry(claim) for claim in ("C-1", "C-2", "C-3")}


@pytest.mark.parametrize(
    ("overall", "conditions", "shown"),
    [
        ("reproduced", ["reproduced", "reproduced"], 0),
        ("mixed", ["reproduced", "refuted", "refuted"], 1),
        ("inconclusive", ["reproduced", "refuted", "inconclusive"], 2),
        ("not measurable", ["reproduced", "not measurable"], 1),
        ("inconclusive", ["reproduced", "not measurable"], 0),
    ],
)
def test_a_claim_shows_the_first_condition_that_decided_its_verdict(
    overall: str, conditions: list[str], shown: int
) -> None:
    """For a mixed claim that is the first counterexample."""
    table = verdicts(*(("C-1", overall, verdict) for verdict in conditions))
    assert telling_condition(table)["contrast"] == f"contrast {shown}"


def test_every_claim_of_the_catalogue_has_a_row_in_the_catalogues_order() -> None:
    run = published(("C-3", "refuted", "refuted"), ("C-1", "reproduced", "reproduced"))
    table = ledger_rows(CATALOGUE, [run])
    assert list(table.columns) == list(COLUMNS)
    assert table["claim"].tolist() == ["C-1", "C-2", "C-3"]
    assert table["verdict"].tolist() == ["reproduced", "not tested", "refuted"]
    assert table["run"].tolist() == ["long/2026-01-01_xeon-2c", "", "long/2026-01-01_xeon-2c"]
    untested = table.iloc[1]
    assert untested["says"] == "What C-2 says."
    assert untested["reason"] == "No study judges this claim yet."
    assert untested[["contrast", "estimate", "machine", "torch"]].tolist() == [""] * 4


def test_a_claim_of_one_condition_carries_its_numbers_and_its_own_reason() -> None:
    row = ledger_rows(CATALOGUE, [published(("C-1", "refuted", "refuted"))]).iloc[0]
    expected = {
        "contrast": "contrast 0",
        "region": "at least 1",
        "estimate": "0",
        "low": "0",
        "high": "9",
        "unit": "s",
        "blocks": "20",
        "reason": "reason 0",
        "device": "cpu",
        "machine": "xeon-2c",
        "torch": "2.13.0",
    }
    assert row[list(expected)].to_dict() == expected


def test_a_claim_of_several_conditions_says_so_and_gives_the_reason_of_the_whole() -> None:
    run = published(("C-1", "mixed", "reproduced"), ("C-1", "mixed", "refuted"))
    row = ledger_rows(CATALOGUE, [run]).iloc[0]
    assert row["contrast"] == "contrast 1 (one of 2 conditions)"
    assert row["estimate"] == "1"
    assert row["reason"] == "mixed overall"


def test_a_verdict_by_rules_that_have_changed_since_says_so() -> None:
    rows = [("C-1", "refuted", "refuted")]
    reasons = [
        ledger_rows(CATALOGUE, [published(*rows, stale=stale)])["reason"].iloc[0]
        for stale in (False, True)
    ]
    assert reasons == ["reason 0", "reason 0 The study's rule has changed since this run."]


def test_two_machines_give_two_rows_and_controls_give_none() -> None:
    runs = [
        published(("C-2", "refuted", "refuted"), ("control: same", "reproduced", "reproduced")),
        published(("C-2", "reproduced", "reproduced"), machine="h100"),
    ]
    table = ledger_rows(CATALOGUE, runs)
    assert table["claim"].tolist() == ["C-1", "C-2", "C-2", "C-3"]
    assert table["machine"].tolist() == ["", "xeon-2c", "h100", ""]


def test_a_counterpart_follows_its_claim_in_a_row_of_its_own() -> None:
    run = published(
        ("C-2 (CPU counterpart)", "refuted", "refuted"),
        ("C-1", "reproduced", "reproduced"),
        ("C-2", "not measurable", "not measurable"),
    )
    table = ledger_rows(CATALOGUE, [run])
    assert list(zip(table["claim"], table["verdict"], strict=True)) == [
        ("C-1", "reproduced"),
        ("C-2 (CPU counterpart)", "refuted"),
        ("C-2", "not measurable"),
        ("C-3", "not tested"),
    ]
    assert table["says"].tolist()[1] == "What C-2 says."


def test_a_verdict_on_a_claim_that_the_catalogue_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="claim 'C-9' is not in the catalogue"):
        ledger_rows(CATALOGUE, [published(("C-9", "refuted", "refuted"))])


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
    verdicts(("C-1", "refuted", "refuted")).to_csv(folder.path / "verdicts.csv", index=False)
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


def test_a_published_run_reads_its_verdicts_as_text(tmp_path: Path) -> None:
    stored(tmp_path, "run")
    (run,) = published_runs(tmp_path)
    assert run.machine == "xeon-2c"
    assert run.torch == "2.13.0"
    pd.testing.assert_frame_equal(run.verdicts, verdicts(("C-1", "refuted", "refuted")))


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
