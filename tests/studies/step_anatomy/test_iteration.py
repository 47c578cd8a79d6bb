"""Counts of an epoch against arithmetic, for data sets of any size."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.step_anatomy.iteration import epoch, update_off, weight_of_an_example


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 40), batch=st.integers(1, 12), accumulate=st.integers(1, 4))
def test_counts_follow_from_rows_batch_and_accumulation(
    rows: int, batch: int, accumulate: int
) -> None:
    batches = math.ceil(rows / batch)
    counts = epoch(rows, batch, accumulate=accumulate)
    assert counts.each() == [batches] * 4 + [batches // accumulate]
    assert counts.on_one_load() == batches
    assert sorted(row for rows_of_pass in counts.passes for row in rows_of_pass) == [*range(rows)]


def test_a_rest_is_kept_or_dropped() -> None:
    assert epoch(10, 4).updates == [4, 4, 2]
    assert epoch(10, 4, drop_last=True).updates == [4, 4]


def test_a_pass_on_two_batches_is_on_no_single_load() -> None:
    joined = epoch(12, 3, join=2)
    assert joined.each() == [4, 2, 2, 2, 2]
    assert joined.on_one_load() == 0


def test_an_update_divided_by_another_number_is_off_by_their_ratio() -> None:
    assert update_off(64) == pytest.approx(1 - 40 / 64)
    assert update_off(20) == pytest.approx(1)


@pytest.mark.parametrize("rows", [1, 5, 40])
def test_an_example_weighs_one_over_the_rows_of_its_batch(rows: int) -> None:
    assert weight_of_an_example(rows) == pytest.approx(1 / rows)
