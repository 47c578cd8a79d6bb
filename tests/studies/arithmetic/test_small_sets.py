"""Batches by size and what is left out, on planted numbers."""

from __future__ import annotations

from harness.workloads.arithmetic import Run
from studies.arithmetic.small_sets import by_size, left_out, never_seen, sizes


def test_batches_are_told_one_size_after_another() -> None:
    assert sizes(Run(23, 10)) == [(2, 10), (1, 3)]
    assert sizes(Run(20, 10)) == [(2, 10)]
    assert sizes(Run(3, 10)) == [(1, 3)]


def test_examples_are_split_over_full_batches_and_others() -> None:
    assert by_size(Run(23, 10, epochs=2), 10) == (6, 4, 2, 40, 6, 46)
    assert by_size(Run(20, 10), 10) == (2, 2, 0, 20, 0, 20)


def test_dropping_leaves_out_what_fills_no_batch() -> None:
    assert left_out(Run(23, 10, drop_last=True)) == 3
    assert left_out(Run(23, 10)) == 0


def test_in_order_the_same_rows_are_dropped_every_time() -> None:
    assert never_seen(shuffle=False) == 100 - 6 * 16
