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
        assert found.reason.startswith("7 blocks: too few")


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


Y: Verdict = "reproduced"
N: Verdict = "refuted"
O: Verdict = "inconclusive"  # noqa: E741 - a letter each, as in a table
X: Verdict = "not measurable"


@pytest.mark.parametrize(
    ("verdicts", "always", "can", "typical"),
    [
        ([Y], Y, Y, Y),
        ([N], N, N, N),
        ([O], O, O, O),
        ([X], X, X, X),
        ([Y, Y], Y, Y, Y),
        ([N, N], N, N, N),
        ([Y, N], "mixed", Y, "mixed"),
        ([N, Y, Y], "mixed", Y, "mixed"),  # a third is not a quarter
        ([Y, O], O, Y, O),
        ([N, O], O, O, O),
        ([Y, N, O], "mixed", Y, "mixed"),  # nothing open could change it
        ([Y, N, X], "mixed", Y, "mixed"),
        ([Y, X], X, Y, X),
        ([N, X], X, X, X),
        ([O, X], O, O, O),
        ([X, X], X, X, X),
        ([Y, Y, Y, N], "mixed", Y, "mixed"),  # a quarter is not fewer than a quarter
        ([Y, Y, Y, Y, N], "mixed", Y, Y),
        ([Y, Y, Y, O], O, Y, Y),
        ([Y, Y, O, O], O, Y, O),
        ([N, N, N, Y], "mixed", Y, "mixed"),
        ([N, N, N, N, Y], "mixed", Y, N),
        ([N, N, N, O], O, O, N),
    ],
)
def test_the_verdict_of_a_claim_follows_from_those_of_its_conditions_and_its_quantifier(
    verdicts: list[Verdict], always: Verdict, can: Verdict, typical: Verdict
) -> None:
    for said, verdict in (
        ("always", always),
        ("single", always),
        ("instruction", always),
        ("can", can),
        ("typical", typical),
    ):
        assert judge_claim(verdicts, said).verdict == verdict, said
        assert judge_claim(verdicts[::-1], said).verdict == verdict, said


@given(st.lists(st.sampled_from([Y, N, O, X]), min_size=1, max_size=12))
def test_no_open_condition_can_turn_one_decided_verdict_into_the_other(
    verdicts: list[Verdict],
) -> None:
    """Whatever an open condition turns out to be, a decided claim keeps or mixes its verdict."""
    for said in ("always", "can", "typical"):
        before = judge_claim(verdicts, said).verdict
        for place, verdict in enumerate(verdicts):
            if verdict in (O, X) and before in ("mixed", *((Y,) if said == "can" else ())):
                for decided in (Y, N):
                    now = list(verdicts)
                    now[place] = decided
                    after = judge_claim(now, said).verdict
                    assert after == before or said == "typical"


def test_the_reason_counts_the_conditions_by_how_they_came_out() -> None:
    assert judge_claim([Y, N, N]).reason == (
        "It must hold in all: it holds in 1, does not hold in 2 of 3 settings."
    )
    assert judge_claim([O, O, Y], "can").reason == (
        "One setting is enough: it holds in 1, is open in 2 of 3 settings."
    )
    assert judge_claim([Y] * 4, "typical").reason == ("A tendency: it holds in 4 of 4 settings.")
    assert judge_claim([N]).reason == "It does not hold."


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
