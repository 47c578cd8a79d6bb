"""Verdicts of conditions and claims, each in every way it can come out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.design.contrasts import Across
from harness.design.regions import Region, at_least, at_most, between, equals, less_than, more_than
from harness.judging.effects import Effect
from harness.judging.verdicts import Judgement, Verdict, judge_claim, judge_condition, withhold

YES, NO = Judgement("reproduced", "yes"), Judgement("refuted", "no")
OPEN, NEVER = Judgement("inconclusive", "open"), Judgement("not measurable", "never")


def effect(low: float, high: float) -> Effect:
    return Effect((low + high) / 2, low, high, 20)


@pytest.mark.parametrize("across", ["median", "frequency"])
@pytest.mark.parametrize(
    ("region", "low", "high", "verdict"),
    [
        (at_least(1), 1, 2, "reproduced"),
        (at_least(1), 0, 0.99, "refuted"),
        (at_least(1), 0.99, 1.01, "inconclusive"),
        (more_than(1), 1.01, 2, "reproduced"),
        (more_than(1), 0, 1, "refuted"),
        (more_than(1), 1, 2, "inconclusive"),
        (at_most(1), 0, 1, "reproduced"),
        (at_most(1), 1.01, 2, "refuted"),
        (at_most(1), 1, 1.01, "inconclusive"),
        (less_than(1), 0, 0.99, "reproduced"),
        (less_than(1), 1, 2, "refuted"),
        (less_than(1), 0, 1, "inconclusive"),
        (between(1, 2), 1.2, 1.8, "reproduced"),
        (between(1, 2), 2.1, 3, "refuted"),
        (between(1, 2), 0, 0.9, "refuted"),
        (between(1, 2), 0, 3, "inconclusive"),
        (equals(0, within=0.1), -0.05, 0.1, "reproduced"),
        (equals(0, within=0.1), 0.2, 0.3, "refuted"),
        (equals(0, within=0.1), 0.05, 0.2, "inconclusive"),
        (equals(0), 0, 0, "reproduced"),
        (equals(0), 1e-12, 1e-3, "refuted"),
        (equals(0), 0, 1e-12, "inconclusive"),
    ],
)
def test_an_interval_reproduces_refutes_or_leaves_open(
    region: Region, low: float, high: float, verdict: Verdict, across: Across
) -> None:
    found = judge_condition(effect(low, high), region, across)
    assert found.verdict == verdict
    assert str(region) in found.reason


def test_the_sentence_gives_the_numbers_it_was_judged_on() -> None:
    found = judge_condition(effect(1.25, 1.5), at_least(1.1), "median")
    assert found.reason == (
        "The 99 % interval 1.25 to 1.5 lies wholly where the claim holds: at least 1.1."
    )
    assert judge_condition(effect(1, 2), at_least(3), "median", 0.995).reason == (
        "The 99.5 % interval 1 to 2 lies wholly outside: not at least 3."
    )


def test_too_few_blocks_leave_every_condition_open_and_the_sentence_says_why() -> None:
    few = Effect(5.0, -math.inf, math.inf, 7)
    for region in (at_least(0), at_most(0), more_than(0), less_than(0), between(0, 9), equals(5)):
        found = judge_condition(few, region, "median")
        assert found.verdict == "inconclusive"
        assert found.reason.startswith("7 blocks are too few")


@pytest.mark.parametrize("across", ["median", "every", "frequency"])
def test_rows_with_a_problem_are_never_judged(across: Across) -> None:
    broken = Effect(1.0, 1.0, 1.0, 18, "2 of 20 blocks failed: ValueError", (1.0,))
    found = judge_condition(broken, at_least(0), across)
    assert found == Judgement("inconclusive", "Not judged: 2 of 20 blocks failed: ValueError.")


def test_a_universal_condition_holds_where_every_value_does() -> None:
    seen = Effect(1.0, 1.0, 3.0, 2, values=(1.0, 2.0, 3.0))
    found = judge_condition(seen, at_least(1), "every")
    assert found == Judgement("reproduced", "All 3 values in 2 blocks are at least 1.")


def test_one_value_outside_refutes_a_universal_condition_and_is_named() -> None:
    seen = Effect(1.0, 0.5, 3.0, 2, values=(1.0, 0.5, 3.0, 2.0))
    found = judge_condition(seen, at_least(1), "every")
    assert found.verdict == "refuted"
    assert found.reason == "1 of 4 values in 2 blocks are not at least 1; for instance 0.5."


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=9), st.floats(-9, 9))
def test_a_universal_verdict_is_that_of_the_worst_value(values: list[float], edge: float) -> None:
    seen = Effect(0.0, min(values), max(values), len(values), values=tuple(values))
    expected = "reproduced" if min(values) >= edge else "refuted"
    assert judge_condition(seen, at_least(edge), "every").verdict == expected


@pytest.mark.parametrize(
    ("judgements", "verdict"),
    [
        ([YES, YES], "reproduced"),
        ([NO, NO], "refuted"),
        ([YES, NO], "mixed"),
        ([NO, YES, YES], "mixed"),
        ([YES, OPEN], "inconclusive"),
        ([NO, OPEN], "inconclusive"),
        ([YES, NO, OPEN], "inconclusive"),
        ([YES, NEVER], "not measurable"),
        ([NO, NEVER], "not measurable"),
        ([OPEN, NEVER], "inconclusive"),
        ([NEVER, NEVER], "not measurable"),
    ],
)
def test_a_claim_is_decided_only_where_each_of_its_conditions_is(
    judgements: list[Judgement], verdict: Verdict
) -> None:
    conditions = [(f"condition {number}", found) for number, found in enumerate(judgements)]
    assert judge_claim(conditions).verdict == verdict
    assert judge_claim(conditions[::-1]).verdict == verdict


@pytest.mark.parametrize("judgement", [YES, NO, OPEN, NEVER])
def test_a_claim_with_one_condition_has_its_verdict_and_its_reason(judgement: Judgement) -> None:
    assert judge_claim([("the only one", judgement)]) == judgement


def test_a_mixed_claim_names_the_conditions_that_do_not_hold() -> None:
    found = judge_claim([("p=0.1", YES), ("p=0.5", NO), ("p=0.8", NO)])
    assert found.reason == "Of 3 conditions 1 reproduced, 2 refuted. Refuted: p=0.5; p=0.8."


def test_an_undecided_claim_names_the_open_conditions_and_counts_those_beyond_four() -> None:
    found = judge_claim([("p=0", YES), *((f"p={n}", OPEN) for n in range(1, 7))])
    assert found.reason == (
        "Of 7 conditions 1 reproduced, 6 inconclusive. "
        "Inconclusive: p=1; p=2; p=3; p=4; and 2 more."
    )


def test_the_reason_of_an_agreed_claim_counts_its_conditions() -> None:
    assert judge_claim([("a", YES), ("b", YES)]).reason == "All 2 conditions hold."
    assert judge_claim([("a", NO), ("b", NO)]).reason == "None of 2 conditions holds."


def test_a_claim_without_conditions_is_no_claim() -> None:
    with pytest.raises(ValueError, match="needs a condition"):
        judge_claim([])


@pytest.mark.parametrize("judgement", [YES, NO, OPEN])
def test_a_failed_control_withholds_every_verdict_and_is_named(judgement: Judgement) -> None:
    found = withhold(judgement, ["two names for one arm", "another"])
    assert found.verdict == "inconclusive"
    assert "two names for one arm; another" in found.reason


def test_where_controls_hold_or_nothing_can_be_measured_nothing_is_withheld() -> None:
    assert withhold(YES, []) == YES
    assert withhold(NEVER, ["a control"]) == NEVER
