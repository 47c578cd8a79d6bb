"""The command that cites."""

from __future__ import annotations

import json

import pytest
from pybtex.database import parse_string

from harness.store.folders import RunFolder
from tests.harness.publishing.sites import older_copy
from tests.harness.runs import House


@pytest.fixture
def run(house: House) -> RunFolder:
    """A published run."""
    folder = house.finished()
    assert house("ledger").code == 0
    return folder


def test_claims_studies_and_runs_are_cited_together_and_each_once(
    house: House, run: RunFolder
) -> None:
    name = run.path.name
    ended = house("cite", "P-up-1", "planted", name, f"planted/{name}", "P-up-1")
    assert ended.code == 0, ended.err
    entries = parse_string(ended.out, "bibtex").entries
    assert [entries[key].fields["title"].split(",")[0] for key in entries] == [
        "{Claim P-up-1",
        "{Study planted",
        f"{{Run planted/{name}".replace("_", r"\_"),
    ]
    assert all(name.replace("_", r"\_") in entries[key].fields["note"] for key in entries)


def test_every_form_has_verdict_number_run_and_commit(house: House, run: RunFolder) -> None:
    name = run.path.name
    reference = house("cite", "P-down-1", "--format", "apa").out
    (item,) = json.loads(house("cite", "P-down-1", "--format", "csl").out)
    assert 'Claim P-down-1, refuted: "A shift goes down."' in reference
    assert "is 1 m in all 9 blocks. (Version " in reference
    assert f"run planted/{name}; commit {name.split('_')[2].partition('-2')[0]}" in reference
    assert item["title"] in reference
    assert item["note"] in reference
    assert item["custom"]["estimate"] == "1"


def test_a_superseded_run_is_cited_as_it_was(house: House, run: RunFolder) -> None:
    older_copy(run, "2020-01-01_old_0000000", "2020-01-01T00:00:00+00:00")
    shown = house("cite", "2020-01-01_old_0000000", "--format", "apa").out
    assert "(2020, January 1). Run planted/2020-01-01_old_0000000, 2 reproduced, 1 ref" in shown


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("cite p-up-11", "There is no claim, study or run 'p-up-11'. Do you mean one of P-up-1, "),
        ("cite plantde", "There is no claim, study or run 'plantde'. Do you mean one of planted"),
        ("cite P-later-1", "The claim P-later-1 is not tested yet: there is no verdict to show"),
        ("cite fresh", "No run of the study fresh is published yet."),
        ("cite P-up-1 --format ris", "There is no format 'ris'; choose one of bibtex, apa, csl."),
    ],
)
def test_what_cannot_be_cited_is_refused_in_a_sentence(
    command: str, sentence: str, house: House, run: RunFolder
) -> None:
    ended = house(*command.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert sentence in ended.err


def test_a_quick_run_is_no_evidence_to_cite(house: House) -> None:
    assert house("run", "planted", "--profile", "quick").code == 0
    ended = house("cite", house.only_run().path.name)
    assert ended.code == 2
    assert "is a quick run: a rehearsal, which is not cited." in ended.err
