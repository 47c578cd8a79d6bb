"""What a timed experiment adds to its design."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.design.aa import AA, COPY, RESPONSES
from harness.design.claims import Claim, Control
from harness.design.contrasts import Ratio
from harness.design.experiment import Experiment
from harness.design.factors import Arm, Factor, PerProfile
from harness.design.regions import at_most, equals
from harness.design.responses import Response
from harness.errors import HarnessError
from harness.protocol.rules import ExperimentRules, experiment_rules
from harness.protocol.stored import rules_from_json, rules_to_json
from tests.harness.fakes import experiment

X = Response("x", "m", "x")
GRAD = Factor("grad", ("on", "off"), control="on")
SIZE = Factor("size", (1, 2))


def timed(**changes: Any) -> Experiment[Any]:  # noqa: ANN401 - whatever an experiment takes
    return Experiment(
        **{
            "question": "Is it slower?",
            "task": lambda cell, arm: lambda: None,
            "rounds": PerProfile(5, 20, 40),
            "aa": AA(0.02, at={"grad": "on"}),
            "factors": (GRAD, SIZE),
            "blocks": PerProfile(3, 10, 20),
            **changes,
        }
    )


def levels(arm: Arm) -> tuple[object, ...]:
    return tuple(arm.as_dict().values())


def test_the_arms_of_the_aa_stand_twice_and_the_others_once() -> None:
    assert [levels(arm) for arm in timed().arms()] == [
        ("on", 1, "first"),
        ("on", 1, "again"),
        ("on", 2, "first"),
        ("on", 2, "again"),
        ("off", 1, "first"),
        ("off", 2, "first"),
    ]


def test_the_aa_can_be_kept_to_some_levels_of_several_factors() -> None:
    arms = timed(aa=AA(0.02, at={"grad": ("on", "off"), "size": 2})).arms()
    assert [levels(arm) for arm in arms if arm[COPY] == "again"] == [
        ("on", 2, "again"),
        ("off", 2, "again"),
    ]


def test_its_control_compares_each_arm_with_itself_round_by_round() -> None:
    conditions = timed().conditions()
    controls = [posed.rule for posed in conditions if isinstance(posed.rule, Control)]
    assert [(rule.name, rule.region) for rule in controls] == [("A/A", equals(1.0, 0.02))] * 2
    for comparison in (posed.comparison for posed in conditions):
        assert comparison.kind == "ratio"
        assert comparison.within == "paired"
        assert comparison.against == comparison.arm.replaced(copy="first")


def test_a_contrast_of_another_factor_never_meets_the_copies() -> None:
    claim = Claim("P-fast-1", Ratio("seconds", GRAD).by_round(), at_most(0.9))
    made = timed(claims=(claim,))
    compared = [p.comparison for p in made.conditions() if isinstance(p.rule, Claim)]
    assert [levels(c.arm) for c in compared] == [("off", 1, "first"), ("off", 2, "first")]


def test_the_responses_are_those_of_the_clock_with_their_units() -> None:
    made = timed()
    assert made.all_responses() == RESPONSES
    (posed, *_) = made.conditions()
    assert made.unit(posed.comparison) == "1"


def test_a_call_is_called_what_the_study_calls_it() -> None:
    meanings = timed(call="a forward pass").meanings()
    assert meanings["seconds"] == "time of a forward pass"
    assert timed().meanings()["seconds"] == "time of a call"


def test_that_an_arm_is_measured_first_goes_without_saying() -> None:
    (posed, *_) = timed().conditions()
    assert timed().label(posed.comparison) == (
        "time of a call, measured a second time over the first (on, size 1)"
    )


def test_rules_of_a_timed_experiment_ask_for_fresh_processes_and_survive_json() -> None:
    rules = experiment_rules("speed", timed(), "standard")
    assert (rules.rounds, rules.timed, rules.fresh_process) == (20, True, True)
    assert rules.factors[-1] == COPY
    assert again(rules) == rules


def test_arms_that_are_compared_belong_to_one_group() -> None:
    claim = Claim("P-fast-1", Ratio("seconds", GRAD).at(size=1).by_round(), at_most(0.9))
    rules = experiment_rules("speed", timed(claims=(claim,)), "standard")
    groups = {levels(arm): rules.group_of(arm) for arm in rules.arms}
    assert {group for arm, group in groups.items() if arm[1] == 1} == {(1,)}
    assert {group for arm, group in groups.items() if arm[1] == 2} == {(2,)}


def test_rules_of_an_untimed_experiment_have_no_rounds() -> None:
    rules = experiment_rules("plain", experiment(), "standard")
    assert not rules.timed
    assert rules.rounds == 0
    assert again(rules) == rules


def again(rules: ExperimentRules) -> ExperimentRules:
    return rules_from_json(rules.name, rules_to_json(rules))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"aa": None}, "it needs rounds and an A/A control"),
        ({"rounds": None}, "it needs rounds and an A/A control"),
        ({"responses": (Response("x", "m", "x"),)}, "its responses are those of the clock"),
        ({"task": None}, "needs one of measure"),
        (
            {"task": None, "measure": lambda cell, arm: {}, "responses": (X,)},
            "rounds or an A/A and no task to time",
        ),
        (
            {"measure": lambda cell, arm: {"x": 1.0}},
            "needs one of measure",
        ),
        ({"aa": AA(0.1, at={"grad": "maybe"})}, "names no arm"),
        ({"aa": AA(0.1, at={"colour": "red"})}, "a factor that the design lacks"),
    ],
)
def test_a_timed_experiment_that_lacks_a_part_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        timed(**changes)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, math.nan, math.inf])
def test_an_aa_without_a_margin_between_0_and_1_is_refused(margin: float) -> None:
    with pytest.raises(HarnessError, match="must lie between 0 and 1"):
        AA(margin, at={})
