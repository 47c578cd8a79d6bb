"""Intervals beside their regions, in the numbers of a drawing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.publishing.interval_plot import WIDTH, Scale, draw_all, drawn, is_drawable
from tests.harness.publishing.test_ledger import condition

HEAD = condition("C-1", headline=True)
numbers = st.floats(-1e9, 1e9).map(lambda value: round(value, 6))


@given(st.lists(numbers, min_size=1))
def test_a_scale_shows_all_numbers_in_their_order(values: list[float]) -> None:
    scale = Scale.over(values)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= WIDTH for place in places)


@given(st.lists(numbers, min_size=1))
def test_the_numbers_below_a_scale_are_few_and_lie_on_it(values: list[float]) -> None:
    ticks = Scale.over(values).ticks()
    assert 1 <= len(ticks) <= 8
    assert all(0 <= place <= WIDTH for place, _ in ticks)


def test_equal_steps_are_equal_lengths() -> None:
    scale = Scale.over([0, 10])
    assert scale.at(5) == pytest.approx(WIDTH / 2)
    assert scale.at(7.5) - scale.at(5) == pytest.approx(scale.at(5) - scale.at(2.5), abs=0.02)
    assert [text for _, text in scale.ticks()] == ["0", "5", "10"]


def test_positive_numbers_of_several_sizes_get_equal_lengths_for_equal_ratios() -> None:
    scale = Scale.over([1, 100])
    assert scale.logarithmic
    assert scale.at(10) == pytest.approx(WIDTH / 2)
    assert [text for _, text in scale.ticks()] == ["1", "10", "100"]


def test_what_lies_beyond_a_scale_is_drawn_at_its_nearest_end() -> None:
    for scale in (Scale.over([1, 2]), Scale.over([1, 100])):
        assert scale.at(-math.inf) == scale.at(-5) == 0
        assert scale.at(math.inf) == WIDTH


def test_region_interval_and_estimate_are_drawn_where_they_lie() -> None:
    shown = drawn(replace(HEAD, region="between 0 and 10", low=4, high=6, estimate=5), Scale(0, 10))
    assert (shown.start, shown.width) == (0, WIDTH)
    assert (shown.low, shown.estimate, shown.high) == (40, 50, 60)
    assert not shown.endless_low
    assert not shown.endless_high


def test_an_interval_without_an_end_reaches_the_edge_and_says_so() -> None:
    shown = drawn(replace(HEAD, low=-math.inf, high=math.inf), Scale(0, 10))
    assert (shown.low, shown.high) == (0, WIDTH)
    assert shown.endless_low
    assert shown.endless_high


@pytest.mark.parametrize("value", [0, 5, 10])
def test_a_region_of_one_number_can_be_seen(value: int) -> None:
    shown = drawn(replace(HEAD, region=f"equal to {value}"), Scale(0, 10))
    assert shown.width > 1
    assert shown.start <= 10 * value <= shown.start + shown.width


def test_conditions_of_one_experiment_and_unit_share_a_scale() -> None:
    first, second = draw_all([HEAD, replace(HEAD, estimate=500, low=400, high=600)])
    assert first is not None
    assert second is not None
    assert first.estimate < second.estimate
    alone, _ = draw_all([HEAD, replace(HEAD, unit="m", estimate=500, low=400, high=600)])
    assert alone is not None
    assert alone.estimate != first.estimate


@pytest.mark.parametrize("change", [{"unit": "yes/no"}, {"estimate": math.nan}])
def test_a_yes_or_no_and_what_has_no_number_are_not_drawn(change: dict[str, object]) -> None:
    assert not is_drawable(replace(HEAD, **change))  # type: ignore[arg-type]  # one field each
    assert draw_all([replace(HEAD, **change)]) == [None]  # type: ignore[arg-type]
