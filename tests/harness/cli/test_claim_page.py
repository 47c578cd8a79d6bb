"""The page of one claim."""

from __future__ import annotations

import pytest

import harness
from tests.harness.runs import House


def test_a_judged_claim_has_words_scope_reading_result_and_citation(house: House) -> None:
    run = house.finished()
    house("ledger")
    ended = house("show", "P-up-1")
    assert ended.code == 0, ended.err
    order = [
        "P-up-1: A shift goes up.",
        "Document A, Shifts. Study planted.",
        "It speaks of: shifts. Judged as 'always'.",
        "Result: reproduced",
        "The level with shifted less that with plain is 1 m in all 9 blocks.",
        "Reading: Up by half.",
        "reproduced  the level, shifted less plain: 1 m in all 9 blocks; holds if at least 0.5",
        f"Rows, protocol and figures: results/planted/{run.path.name}",
        "How to cite",
        f"(Version {harness.__version__}; run planted/{run.path.name}; commit ",
    ]
    places = [ended.out.index(said) for said in order]
    assert places == sorted(places)
    assert "mode=" not in ended.out


def test_a_claim_that_no_run_has_judged_shows_how_it_would_be(house: House) -> None:
    shown = house("show", "P-both-1").out
    assert "level: Does a planted shift of 1 come out? (blocks: 8 quick, 9 standard" in shown
    assert "Reading: Both go up by half." in shown
    assert "the level, shifted less plain: holds if at least 0.5" in shown
    assert "the level, again less plain: holds if at least 0.5" in shown
    assert "at most" not in shown, "conditions of other claims are not"


@pytest.mark.parametrize("judged", [False, True])
def test_of_many_conditions_the_first_are_shown_and_the_rest_counted(
    judged: bool, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.claim_page.SHOWN", 1)
    if judged:
        house.finished()
        house("ledger")
    shown = house("show", "P-both-1").out
    assert "the level, shifted less plain" in shown
    assert "the level, again less plain" not in shown.partition("Judged:")[2 if judged else 0]
    assert "and 1 more condition" in shown


def test_what_lies_beyond_a_claims_words_and_its_warnings_are_shown(house: House) -> None:
    level = house.top / "studies" / "planted" / "level.py"
    text = level.read_text()
    beyond = 'Beyond("P-up-1", Value("level").at(mode="plain"), at_least(5), why="no shift"),'
    text = text.replace("        Unmeasurable(", f"        {beyond}\n        Unmeasurable(", 1)
    text = text.replace("from harness import (", "from harness import (\n    Beyond,")
    level.write_text(text.replace("figures=", 'one_sample="one stream",\n    figures='))
    assert house("run", "planted").code == 0
    assert house("ledger").code == 0
    shown = house("show", "P-up-1").out
    assert "Beyond the document's words:" in shown
    assert "refuted  the level (plain)" in shown
    assert "Warning one-sample: All blocks draw from one sample" in shown


def test_a_claim_that_no_machine_can_settle_says_what_it_takes(house: House) -> None:
    house.finished()
    house("ledger")
    shown = house("show", "P-field-1").out
    assert "Result: not measurable" in shown
    assert "It takes field data: a survey would have to be held" in shown


def test_a_claim_without_a_study_says_that_nobody_judges_it(house: House) -> None:
    shown = house("show", "P-later-1").out
    assert "P-later-1: Nobody has looked into this." in shown
    assert "No study judges this claim yet." in shown
    assert "Result" not in shown
    house("ledger")
    shown = house("show", "P-later-1").out
    assert "Result: not tested" in shown
    assert "cite" not in shown


def test_a_misspelt_claim_is_refused_with_its_neighbours(house: House) -> None:
    ended = house("show", "p-up-11")
    assert ended.code == 2
    assert "no claim 'p-up-11'. Do you mean one of P-up-1, " in ended.err
