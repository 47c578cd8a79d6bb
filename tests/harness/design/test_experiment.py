"""An experiment: its arms, its conditions and what it refuses."""

from __future__ import annotations

import pytest

from harness.design.claims import Claim, Control, Unmeasurable
from harness.design.contrasts import Contrast, Difference, Ratio, Value
from harness.design.regions import at_least, equals
from harness.errors import HarnessError
from tests.harness.fakes import DROPOUT, MODE, experiment

FIELD = Unmeasurable("P-field-1", "field data", "nobody has asked")


def test_a_condition_is_made_for_every_comparison_of_claims_and_controls() -> None:
    claim = Claim("P-up-1", Difference("x", MODE), at_least(1))
    control = Control("same", Value("x").at(mode="eval", p=0.0), equals(0))
    planted = experiment(claim, FIELD, control, factors=(MODE, DROPOUT))
    found = [(rule, str(comparison), region) for rule, comparison, region in planted.conditions()]
    assert found == [
        (claim, "x, mode: train - eval at p=0.0", at_least(1)),
        (claim, "x, mode: train - eval at p=0.1", at_least(1)),
        (claim, "x, mode: train - eval at p=0.5", at_least(1)),
        (control, "x at mode=eval, p=0.0", equals(0)),
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
    ],
)
def test_ratios_shares_and_counts_have_no_unit(contrast: Contrast, unit: str) -> None:
    planted = experiment(Claim("P-up-1", contrast, at_least(1)))
    assert {planted.unit(comparison) for _, comparison, _ in planted.conditions()} == {unit}


def test_an_experiment_without_responses_is_refused() -> None:
    with pytest.raises(HarnessError, match="names no response"):
        experiment(responses=())


def test_a_claim_about_a_response_that_is_not_measured_is_refused() -> None:
    with pytest.raises(HarnessError, match="No response is called 'y'"):
        experiment(Claim("P-up-1", Value("y"), at_least(1)))


def test_a_claim_about_an_arm_that_the_design_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="mode='test'"):
        experiment(Claim("P-up-1", Value("x").at(mode="test"), at_least(1)))


def test_a_design_without_arms_is_refused_before_anything_runs() -> None:
    with pytest.raises(HarnessError, match="leaves no arm"):
        experiment(only=lambda arm: False)
