"""An experiment: its arms, its conditions and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from harness.design.claims import Beyond, Claim, Control, Unmeasurable
from harness.design.contrasts import Contrast, Difference, Ratio, Share, Value
from harness.design.factors import PerProfile
from harness.design.regions import at_least, equals
from harness.design.responses import Response
from harness.errors import HarnessError
from tests.harness.fakes import DROPOUT, MODE, experiment

FIELD = Unmeasurable("P-field-1", "field data", "nobody has asked")


def test_a_condition_is_made_for_every_comparison_of_claims_and_controls() -> None:
    claim = Claim("P-up-1", Difference("x", MODE), at_least(1))
    control = Control("same", Value("x").at(mode="eval", p=0.0), equals(0))
    planted = experiment(claim, FIELD, control, factors=(MODE, DROPOUT))
    found = [(p.rule, planted.label(p.comparison), p.region) for p in planted.conditions()]
    assert found == [
        (claim, "the length, train less eval (p = 0)", at_least(1)),
        (claim, "the length, train less eval (p = 0.1)", at_least(1)),
        (claim, "the length, train less eval (p = 0.5)", at_least(1)),
        (control, "the length (eval, p = 0)", equals(0)),
    ]


def test_what_is_beyond_a_claims_scope_is_posed_as_such_with_its_reason() -> None:
    inside = Claim("P-up-1", Value("x").at(p=0.5), at_least(1))
    outside = Beyond("P-up-1", Value("x").at(p=0.0), at_least(1), why="p = 0 drops nothing")
    posed = experiment(inside, outside, factors=(MODE, DROPOUT)).conditions()
    assert [(p.kind, p.why) for p in posed] == [
        ("claim", ""),
        ("claim", ""),
        ("beyond", "p = 0 drops nothing"),
        ("beyond", "p = 0 drops nothing"),
    ]


def test_along_a_curve_sizes_that_the_passage_does_not_mean_are_beyond_it() -> None:
    curve = Value("x").at(mode="eval").along(DROPOUT, judged=(0.1, 0.5))
    posed = experiment(Claim("P-up-1", curve, at_least(1)), factors=(MODE, DROPOUT)).conditions()
    assert [(p.comparison.arm[DROPOUT], p.kind) for p in posed] == [
        (0.0, "beyond"),
        (0.1, "claim"),
        (0.5, "claim"),
    ]


def test_a_headline_is_a_whole_line_or_the_one_condition_it_names() -> None:
    whole = Claim("P-up-1", Value("x").at(mode="eval", p=0.5), at_least(1), headline=True)
    named = Claim("P-up-2", Value("x"), at_least(1), headline={"mode": "train", "p": 0.1})
    posed = experiment(whole, named, factors=(MODE, DROPOUT)).conditions()
    assert [(p.comparison.arm[MODE], p.comparison.arm[DROPOUT]) for p in posed if p.headline] == [
        ("eval", 0.5),
        ("train", 0.1),
    ]


def test_claim_ids_come_once_each_in_order_and_without_controls() -> None:
    planted = experiment(
        Claim("P-b-1", Value("x"), at_least(1)),
        Control("a control", Value("x"), at_least(1)),
        Claim("P-a-1", Value("x"), at_least(1)),
        FIELD,
        Claim("P-b-1", Value("x").sd(), at_least(1)),
    )
    assert planted.claim_ids() == ["P-b-1", "P-a-1", "P-field-1"]


@pytest.mark.parametrize(
    ("contrast", "unit"),
    [
        (Value("x"), "m"),
        (Value("x").sd(), "m"),
        (Difference("x", MODE), "m"),
        (Ratio("x", MODE), "1"),
        (Value("x").frequency(), "1"),
        (Value("x").distinct(), "1"),
        (Share("x", MODE), "1"),
    ],
)
def test_ratios_shares_and_counts_have_no_unit(contrast: Contrast, unit: str) -> None:
    planted = experiment(Claim("P-up-1", contrast, at_least(1)))
    assert {planted.unit(posed.comparison) for posed in planted.conditions()} == {unit}


def test_an_experiment_without_responses_is_refused() -> None:
    with pytest.raises(HarnessError, match="names no response"):
        experiment(responses=())


def test_two_responses_of_one_name_are_refused() -> None:
    twice = (Response("x", "m", "one"), Response("x", "s", "another"))
    with pytest.raises(HarnessError, match="names a response twice"):
        experiment(responses=twice)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"measure_together": lambda cell, arm: []}, "needs one of measure"),
        ({"together": PerProfile(1, 2, 3)}, "how many blocks to measure together"),
        ({"prepare_together": lambda blocks: 0}, "does not measure them together"),
        (
            {
                "measure": None,
                "measure_together": lambda cell, arm: [],
                "together": PerProfile(1, 1, 1),
                "prepare": lambda block: 0,
            },
            "prepares them in prepare_together",
        ),
    ],
)
def test_blocks_are_measured_in_one_way_only(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HarnessError, match=sentence):
        experiment(**settings)


def test_what_is_measured_on_the_cpu_can_settle_no_claim_that_needs_cuda() -> None:
    claim = Claim("P-up-1", Value("x"), at_least(1), needs="cuda")
    with pytest.raises(HarnessError, match="has a claim that needs CUDA"):
        experiment(claim, on_cpu=True)
    assert experiment(claim).on_cpu is False


def test_a_claim_about_a_response_that_is_not_measured_is_refused() -> None:
    with pytest.raises(HarnessError, match="No response is called 'y'"):
        experiment(Claim("P-up-1", Value("y"), at_least(1)))


def test_a_claim_about_an_arm_that_the_design_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="mode='test'"):
        experiment(Claim("P-up-1", Value("x").at(mode="test"), at_least(1)))


def test_a_design_without_arms_is_refused_before_anything_runs() -> None:
    with pytest.raises(HarnessError, match="leaves no arm"):
        experiment(only=lambda arm: False)
