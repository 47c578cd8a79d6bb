"""Planted findings are compared as the rule has it."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Noted
from harness.design.factors import Arm
from studies.listings.as_printed import Cell, measure, other_seeds, outside
from studies.listings.printed import NUMBERS, OTHERS

BASELINE = "baseline: validation"  # printed as 0.847


def measured(found: float, others: list[float]) -> dict[str, Any]:
    """The responses of one number, without their notes."""
    cell = Cell({BASELINE: found}, [{BASELINE: other} for other in others])
    given = measure(cell, Arm((("number", BASELINE),)))
    return {name: each.value if isinstance(each, Noted) else each for name, each in given.items()}


def test_a_hit_a_miss_inside_and_a_miss_outside_of_the_range_are_told_apart() -> None:
    hit = measured(0.8467, [0.80, 0.90])
    assert (hit["as_printed"], hit["within_range"], hit["apart"]) == (1, 1, 0)
    luck = measured(0.85, [0.80, 0.90])
    assert (luck["as_printed"], luck["within_range"]) == (0, 1)
    false = measured(0.75, [0.70, 0.80])
    assert (false["as_printed"], false["within_range"]) == (0, 0)
    assert false["at_other_seeds"] == [0.70, 0.80]
    assert hit["altered_agrees"] == luck["altered_agrees"] == false["altered_agrees"] == 0


def test_the_distance_from_a_range_is_in_its_widths_and_at_least_a_printed_step_wide() -> None:
    assert outside(0.5, [0.4, 0.6], 0.001) == 0
    assert outside(0.9, [0.4, 0.6], 0.001) == pytest.approx(1.5)
    assert outside(0.1, [0.4, 0.6], 0.001) == pytest.approx(1.5)
    assert outside(0.998, [1.0, 1.0], 0.001) == pytest.approx(2)


def test_other_seeds_are_many_and_different_and_come_from_the_block_alone() -> None:
    seeds = other_seeds(5)
    assert len(set(seeds)) == len(seeds) == OTHERS
    assert seeds == other_seeds(5)
    assert not set(seeds) & set(other_seeds(6))
    assert min(seeds) >= 1000


def test_every_number_is_among_the_levels() -> None:
    for number in NUMBERS:
        cell = Cell({number.name: number.value}, [{number.name: number.value}])
        assert measure(cell, Arm((("number", number.name),)))["apart"] == 0
