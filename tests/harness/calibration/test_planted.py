"""Planted truths: coverage and wrong verdicts are counted right, and misses are not excused."""

from __future__ import annotations

import math

import pytest

from harness.calibration.checks import Quantity
from harness.calibration.planted import Truth, hold
from harness.judging.intervals import Interval

TRUTH = Truth("an interval", "a distribution", 20, low=1.0, high=1.0, scale=1.0)


def rates(counts: dict[tuple[float, float], int], truth: Truth = TRUTH) -> dict[str, float]:
    intervals = {Interval((low + high) / 2, low, high): n for (low, high), n in counts.items()}
    found = {f"{c.quantity} {c.region}".strip(): c.rate for c in hold(truth, intervals)}
    return {name: rate for name, rate in found.items() if rate > 0}


def test_intervals_around_the_truth_cover_it_and_give_no_wrong_verdict() -> None:
    assert rates({(0.5, 1.5): 70, (1.0, 1.2): 20, (0.9, 1.0): 10}) == {"covered": 1.0}


def test_an_interval_above_the_truth_reproduces_what_is_false_and_refutes_what_is_true() -> None:
    assert rates({(0.5, 1.5): 90, (1.1, 1.5): 10}) == {
        "covered": 0.9,
        "reproduced though false at_least": 0.1,
        "reproduced though false between": 0.1,
        "refuted though true at_most": 0.1,
        "refuted though true equals": 0.1,
    }


def test_an_interval_below_the_truth_does_so_on_the_other_side() -> None:
    assert rates({(0.5, 1.5): 75, (0.6, 0.9): 25}) == {
        "covered": 0.75,
        "reproduced though false at_most": 0.25,
        "reproduced though false equals": 0.25,
        "refuted though true at_least": 0.25,
        "refuted though true between": 0.25,
        "refuted though true equals": 0.25,
    }


def test_of_two_true_values_the_one_covered_less_counts() -> None:
    several = Truth("an interval", "coins", 20, low=1.0, high=2.0, scale=1.0)
    assert rates({(0.5, 2.5): 60, (0.5, 1.5): 30, (1.5, 2.5): 10}, several)["covered"] == 0.7


def test_every_kind_of_region_is_planted_on_either_side_of_its_edge() -> None:
    regions = TRUTH.regions()
    kinds = {"at_least", "at_most", "between", "equals"}
    for true in (False, True):
        assert {kind for kind, side, _ in regions if side is true} == kinds
    for _, true, region in regions:
        assert (1.0 in region) is true
        # The truth is just beside the edge: a thousandth of the scale away it would change sides.
        assert {1.001 in region, 0.999 in region} != {true}


def test_infinite_intervals_must_decide_nothing() -> None:
    (check,) = hold(TRUTH, {Interval(1.0, -math.inf, math.inf): 50})
    assert (check.quantity, check.rate, check.met) == ("decided", 0.0, True)


def test_a_verdict_from_too_few_blocks_is_a_miss() -> None:
    counts = {Interval(1.0, -math.inf, math.inf): 49, Interval(5.0, 4.0, 6.0): 1}
    assert [c.met for c in hold(TRUTH, counts)] == [True]  # within three standard errors of none
    counts = {Interval(1.0, -math.inf, math.inf): 30, Interval(5.0, 4.0, 6.0): 20}
    assert [c.met for c in hold(TRUTH, counts)] == [False]


@pytest.mark.parametrize(
    ("quantity", "rate", "limit", "met"),
    [
        ("covered", 0.985, 0.985, True),
        ("covered", 0.9849, 0.985, False),
        ("reproduced though false", 0.01, 0.01, True),
        ("reproduced though false", 0.0125, 0.01, True),  # 2.2 standard errors above
        ("reproduced though false", 0.015, 0.01, False),
        ("refuted though true", 0.0125, 0.01, True),
        ("refuted though true", 0.015, 0.01, False),
    ],
)
def test_coverage_keeps_its_limit_strictly_and_wrong_verdicts_up_to_three_standard_errors(
    quantity: Quantity, rate: float, limit: float, met: bool
) -> None:
    assert TRUTH.check(quantity, "at_least", rate, limit, 10_000).met is met
