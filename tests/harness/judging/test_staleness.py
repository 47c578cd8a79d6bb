"""Whether a run's rules are today's, experiment by experiment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.design.claims import Claim
from harness.design.contrasts import Value
from harness.design.entry import Entry
from harness.design.experiment import Study
from harness.design.regions import at_least
from harness.errors import HarnessError
from harness.judging.staleness import staleness
from tests.harness.fakes import experiment, freeze, study

ONE = Claim("P-one-1", Value("x"), at_least(1))
TWO = Claim("P-two-1", Value("x"), at_least(1))
ENTRIES = {claim: Entry(claim, says="It is so.", scope="nets") for claim in ("P-one-1", "P-two-1")}
THEN = replace(study(first=experiment(ONE), second=experiment(TWO)), catalogue=ENTRIES)


def today(monkeypatch: pytest.MonkeyPatch, study_today: Study) -> None:
    monkeypatch.setattr("harness.judging.staleness.load_study", lambda name: study_today)


def test_the_same_rules_are_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    today(monkeypatch, THEN)
    assert not staleness(freeze(THEN))


def test_only_the_experiment_that_changed_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = replace(TWO, region=at_least(2))
    today(monkeypatch, replace(THEN, experiments={**THEN.experiments, "second": experiment(moved)}))
    found = staleness(freeze(THEN))
    assert found.changed == {"second"}
    assert found.concerns("second")
    assert not found.concerns("first")


def test_another_quantifier_makes_the_claims_experiments_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    can = ENTRIES | {"P-one-1": replace(ENTRIES["P-one-1"], quantifier="can")}
    today(monkeypatch, replace(THEN, catalogue=can))
    assert staleness(freeze(THEN)).changed == {"first"}


def test_an_experiment_that_is_gone_is_stale_and_a_new_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiments = {"first": THEN.experiments["first"], "third": experiment(TWO)}
    today(monkeypatch, replace(THEN, experiments=experiments))
    found = staleness(freeze(THEN))
    assert found.changed == {"second"}
    assert found.added == {"third"}


def test_a_study_that_cannot_be_loaded_makes_all_stale_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> Study:
        raise HarnessError("It does not parse.")

    monkeypatch.setattr("harness.judging.staleness.load_study", broken)
    found = staleness(freeze(THEN))
    assert found.problem == "It does not parse."
    assert found.concerns("first")
    assert found
