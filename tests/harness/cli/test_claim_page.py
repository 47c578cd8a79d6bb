"""The page of one claim."""

from __future__ import annotations

import pytest

from harness.catalogue.claims import Entry
from harness.cli.claim_page import citation
from tests.harness.runs import House

ENTRY = Entry("P-up-1", "A", "Shifts", "A shift goes up.", "number", "cpu", "planted")


def test_a_judged_claim_has_its_words_protocol_result_and_citation(house: House) -> None:
    run = house.finished()
    house("ledger")
    ended = house("show", "P-up-1")
    assert ended.code == 0, ended.err
    for said in (
        "P-up-1: A shift goes up.",
        "Document A, Shifts. Study planted.",
        "level: Does a planted shift of 1 come out? (blocks: 8 quick, 9 standard, 10 full)",
        "level, mode: shifted - plain: holds if at least 0.5",
        "Result: reproduced",
        "1 m (99 % interval 1 to 1, 9 blocks)",
        f"Rows, protocol and figures: results/planted/{run.path.name}",
        f"Run planted/{run.path.name}, torch 0.0.stub, cpu.",
    ):
        assert said in ended.out
    assert ended.out.index("Protocol") < ended.out.index("Result") < ended.out.index("cite")


def test_every_condition_of_a_claim_is_part_of_its_protocol(house: House) -> None:
    shown = house("show", "P-both-1").out
    assert "mode: shifted - plain: holds if at least 0.5" in shown
    assert "mode: again - plain: holds if at least 0.5" in shown
    assert "at most" not in shown, "conditions of other claims are not"


def test_of_many_conditions_the_first_are_shown_and_the_rest_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.claim_page.SHOWN", 1)
    shown = house("show", "P-both-1").out
    assert "mode: shifted - plain: holds if at least 0.5" in shown
    assert "mode: again - plain" not in shown
    assert "and 1 more conditions of this kind" in shown


def test_a_claim_that_no_machine_can_settle_says_what_it_takes(house: House) -> None:
    house.finished()
    house("ledger")
    shown = house("show", "P-field-1").out
    assert "not measurable; it takes field data: a survey would have to be held" in shown
    assert "Result: not measurable" in shown


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
    assert "no claim 'p-up-11'. Do you mean one of P-up-1?" in ended.err


def test_a_citation_names_claim_verdict_numbers_run_and_versions() -> None:
    row = {
        "claim": "P-up-1",
        "verdict": "refuted",
        "contrast": "time, mode: a / b",
        "estimate": "1.25",
        "low": "1.1",
        "high": "1.4",
        "unit": "s",
        "blocks": "20",
        "run": "planted/2027-03-04_xeon-2c_abc",
        "torch": "2.13.0",
        "device": "cpu",
    }
    assert citation(ENTRY, row) == (
        "The training-claims contributors (2027). training-claims: controlled experiments on "
        'claims about PyTorch training. Claim P-up-1: "A shift goes up." Verdict: refuted; time, '
        "mode: a / b: 1.25 s (99 % interval 1.1 to 1.4, 20 blocks). "
        "Run planted/2027-03-04_xeon-2c_abc, torch 2.13.0, cpu."
    )


def test_a_citation_without_an_estimate_gives_the_verdict_alone() -> None:
    row = {
        "claim": "P-up-1",
        "verdict": "inconclusive",
        "contrast": "",
        "estimate": "",
        "run": "planted/2027-03-04_xeon-2c_abc",
        "torch": "2.13.0",
        "device": "cpu",
    }
    assert "Verdict: inconclusive. Run planted/" in citation(ENTRY, row)
