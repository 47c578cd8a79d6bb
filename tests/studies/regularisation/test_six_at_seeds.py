"""Places among six strategies, and what accuracies on 600 rows can be printed."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.workloads.six_strategies import COLUMNS, STRATEGIES
from studies.regularisation.six_at_seeds import BASELINE, LIGHT, both_print, of_strategy


def report(validations: list[float]) -> dict[str, float]:
    numbers = zip(STRATEGIES, validations, strict=True)
    return {
        f"{name}: {what}": value
        for name, held_out in numbers
        for what, value in zip(COLUMNS, (1.0, held_out, 1.0 - held_out), strict=True)
    }


def test_a_strategy_is_first_where_no_other_is_above_it_and_a_tie_is_no_lead() -> None:
    alone = of_strategy(report([0.8, 0.9, 0.9, 0.9, 0.9, 0.92]), LIGHT)
    tied = of_strategy(report([0.8, 0.92, 0.9, 0.9, 0.9, 0.92]), LIGHT)
    behind = of_strategy(report([0.8, 0.93, 0.9, 0.9, 0.9, 0.92]), LIGHT)
    assert [each["first"] for each in (alone, tied, behind)] == [1.0, 1.0, 0.0]
    assert [each["lead"] for each in (alone, tied, behind)] == pytest.approx([2.0, 0.0, -1.0])
    assert alone["gap"] == pytest.approx(8.0)


def test_every_regulariser_beats_the_baseline_where_the_one_that_gains_least_does() -> None:
    for name in (BASELINE, LIGHT):
        found = of_strategy(report([492 / 600, *[0.9] * 4, 498 / 600]), name)
        assert found["least_gain"] == 1.0, "six rows of 600 are one point, in whole numbers"
    assert of_strategy(report([0.9, *[0.95] * 4, 0.8]), LIGHT)["least_gain"] == pytest.approx(-10)


def test_two_accuracies_print_where_counts_of_rows_round_to_both() -> None:
    """Against exact fractions: a text stands for half a thousandth on either side."""

    def possible(text: str) -> bool:
        near = (abs(Fraction(count, 600) - Fraction(text)) for count in range(601))
        return any(each < Fraction(1, 2000) for each in near)

    for one in range(900, 920):
        text = f"0.{one}"
        assert both_print(text, text) is possible(text), text
    assert both_print("0.500", "0.250", rows=4)
    assert not both_print("0.500", "0.300", rows=4)
