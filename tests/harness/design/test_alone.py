"""Arms that run alone: which they are, and what is asked of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.design.aa import AA
from harness.design.alone import ALONE_SECONDS, Alone
from harness.design.checks import experiment_faults
from harness.design.claims import Beyond, Claim, Control
from harness.design.contrasts import Difference, Ratio, Value
from harness.design.experiment import Experiment
from harness.design.factors import Factor, PerProfile
from harness.design.regions import at_least, at_most
from harness.errors import HarnessError
from harness.protocol.rules import ExperimentRules, experiment_rules, same_rules
from harness.protocol.stored import rules_from_json, rules_to_json
from tests.harness.fakes import experiment

GRAD = Factor("grad", ("on", "off"), control="on")
SIZE = Factor("size", (1, 2, 4))
RATIO = Ratio("seconds", GRAD).by_round()
FASTER = Claim("P-fast-1", RATIO, at_most(0.9), "It takes a tenth less.", headline={"size": 2})
SECONDS = PerProfile(0.1, 0.5, 2.0)


def rules(*claims: Any, profile: str = "standard", **changes: Any) -> ExperimentRules:  # noqa: ANN401 - whatever an experiment takes
    made: Experiment[Any] = Experiment(
        **{
            "question": "Is it faster?",
            "task": lambda cell, arm: lambda: None,
            "rounds": PerProfile(5, 20, 40),
            "aa": AA(0.02, at={"grad": "on"}),
            "factors": (GRAD, SIZE),
            "blocks": PerProfile(3, 10, 20),
            "alone": Alone(SECONDS),
            "claims": claims,
            "call": "a pass",
            **changes,
        }
    )
    assert not [fault for fault in experiment_faults(made) if "called" in fault]
    return experiment_rules("speed", made, profile)  # type: ignore[arg-type]  # one of them


def of_alone(found: ExperimentRules) -> list[Any]:
    return [c for c in found.conditions if c.comparison.response == ALONE_SECONDS.name]


def test_each_ratio_of_times_that_is_judged_is_asked_of_the_same_arms_alone() -> None:
    found = rules(FASTER)
    judged = [c for c in found.conditions if c.kind == "claim"]
    alone = of_alone(found)
    assert len(alone) == len(judged) == 3
    for one, other in zip(judged, alone, strict=True):
        assert other.comparison.arm == one.comparison.arm
        assert other.comparison.against == one.comparison.against
        assert other.region == one.region
        assert (other.name, other.kind, other.needs) == ("P-fast-1", "beyond", "cuda")
        assert (other.headline, other.curve) == (False, "")
        assert other.why == "each runs alone, at its own clock"


@pytest.mark.parametrize(
    "rule",
    [
        Beyond("P-fast-1", RATIO, at_most(0.9), "no model"),
        Control("it is faster", RATIO, at_most(0.9)),
        Claim("P-fast-1", Difference("seconds", GRAD), at_most(-1), "It is."),
        Claim("P-fast-1", Value("seconds"), at_most(1), "It is."),
        Claim("P-fast-1", Ratio("seconds", GRAD).always(), at_most(1), "It is."),
        Claim("P-fast-1", Ratio("device_seconds", GRAD), at_most(0.9), "It is."),
    ],
)
def test_nothing_else_is_asked_of_arms_alone(rule: Any) -> None:  # noqa: ANN401 - each kind of rule
    assert of_alone(rules(rule)) == []


def test_along_a_curve_only_the_sizes_that_are_judged_run_alone() -> None:
    curve = Claim("P-fast-1", RATIO.along(SIZE, judged=(2, 4)), at_most(0.9), "It is.")
    sizes = [c.comparison.arm.as_dict()["size"] for c in of_alone(rules(curve))]
    assert sizes == [2, 4]


@pytest.mark.parametrize(("at", "sizes"), [({"size": 4}, [4]), ({"size": (1, 4)}, [1, 4])])
def test_levels_choose_which_arms_run_alone(at: dict[str, Any], sizes: list[int]) -> None:
    found = rules(FASTER, alone=Alone(SECONDS, at=at))
    assert [c.comparison.arm.as_dict()["size"] for c in of_alone(found)] == sizes
    run = [(arm.as_dict()["grad"], arm.as_dict()["size"]) for arm in found.alone_arms]
    assert run == [(grad, size) for grad in GRAD.levels for size in sizes], "in the design's order"
    assert {arm.as_dict()["copy"] for arm in found.alone_arms} == {"first"}


def test_without_it_nothing_runs_alone() -> None:
    found = rules(FASTER, alone=None)
    assert (of_alone(found), found.alone_arms, found.alone) == ([], (), 0.0)
    assert ALONE_SECONDS.name not in found.units
    assert "alone" not in rules_to_json(found)


@pytest.mark.parametrize(("profile", "seconds"), [("quick", 0.1), ("standard", 0.5), ("full", 2.0)])
def test_the_profile_says_for_how_long(profile: str, seconds: float) -> None:
    assert rules(FASTER, profile=profile).alone == seconds


def test_what_is_measured_is_told_in_the_experiments_own_words() -> None:
    assert rules(FASTER).meanings["alone_seconds"] == "time of a pass that runs alone"


def test_it_comes_back_from_the_protocol_as_it_was() -> None:
    found = rules(FASTER)
    assert rules_from_json("speed", rules_to_json(found)) == found


def test_a_run_without_arms_alone_is_judged_by_the_same_rules() -> None:
    """It lacks what is shown beside; nothing that decides has changed."""
    nothing: dict[str, Any] = {}
    assert same_rules(rules(FASTER), rules(FASTER, alone=None), (nothing, nothing))
    other = Claim("P-fast-1", RATIO, at_most(0.8), "It takes a fifth less.")
    assert not same_rules(rules(FASTER), rules(other, alone=None), (nothing, nothing))


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_seconds_that_are_none_are_refused(seconds: float) -> None:
    with pytest.raises(HarnessError, match="cannot run alone for"):
        Alone(PerProfile(0.0, seconds, 1.0))


def test_a_factor_that_the_design_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="names a factor the design lacks"):
        rules(FASTER, alone=Alone(SECONDS, at={"width": 1}))


def test_what_is_not_timed_cannot_run_alone() -> None:
    with pytest.raises(HarnessError, match="lets arms run alone and has no task to time"):
        experiment(Claim("P-1", Value("x"), at_least(1)), alone=Alone(SECONDS))
