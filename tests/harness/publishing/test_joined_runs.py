"""Runs of some experiments in the ledger, on the pages and in what the command line shows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.harness.runs import House

RUN = ("run", "planted", "--profile", "standard", "--device", "cpu", "--experiment")


def ledger(house: House) -> dict[str, dict[str, str]]:
    """The ledger's rows by claim, after it was brought up to date."""
    ended = house("ledger")
    assert ended.code == 0, ended.err
    with (house.results / "claims.csv").open(newline="") as file:
        return {row["claim"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_a_run_of_one_experiment_is_told_as_that_and_completed_by_another(house: House) -> None:
    assert house(*RUN, "level").code == 0
    first = ledger(house)
    assert first["P-up-1"]["verdict"] == "reproduced"
    assert first["P-draw-1"]["verdict"] == "not tested"
    page = (house.results / "planted" / "README.md").read_text()
    assert "Not measured here yet: slow." in page

    assert house(*RUN, "slow").code == 0
    both = ledger(house)
    assert both["P-draw-1"]["verdict"] == "reproduced"
    assert both["P-up-1"]["verdict"] == "reproduced"
    assert both["P-up-1"]["run"] == first["P-up-1"]["run"]
    assert both["P-draw-1"]["run"] != both["P-up-1"]["run"]
    page = (house.results / "planted" / "README.md").read_text()
    assert "Not measured here yet" not in page
    assert "From an earlier run there" in page
    assert page.count("level-levels-by-block.png") == 1
    assert house("ledger", "--check").code == 0

    assert house("report").code == 0
    pages = house.results / "site"
    study = (pages / "studies" / "planted.html").read_text()
    assert "From an earlier run there" in study
    assert "Superseded" not in study
    told = json.loads((pages / "claims" / "P-up-1.json").read_text())["history"]
    assert [(entry["run"], entry["current"]) for entry in told] == [(both["P-up-1"]["run"], True)]

    said = house("show", "P-up-1").out
    assert f"results/{both['P-up-1']['run']}" in said
    assert "Reading: Up by half." in said


@pytest.mark.slow
def test_a_newer_run_of_an_experiment_takes_the_place_of_the_older_one(house: House) -> None:
    for _ in range(2):
        assert house(*RUN, "level").code == 0
    newest = max(path.name for path in (house.results / "planted").glob("2*"))
    assert ledger(house)["P-up-1"]["run"] == f"planted/{newest}"


def test_a_run_that_finished_nothing_is_no_evidence(house: House) -> None:
    house.finished()
    before = ledger(house)
    (house.top / "hold").touch()
    ended = house(*RUN, "slow", "--budget", "1s")
    assert ended.code == 0, ended.err
    assert "Not finished within the budget: slow" in ended.err
    (house.top / "hold").unlink()
    assert ledger(house) == before
    assert len(list(Path(house.results / "planted").glob("2*"))) == 2
