"""Mixing places, on a device that only pretends to be there."""

from __future__ import annotations

from harness.design.factors import Arm, Block
from studies.bugs.mixed_devices import OPERATIONS, measure, outcomes


def test_arithmetic_refuses_and_three_ways_across_are_open() -> None:
    found = measure(Block(0, 1, 2), Arm())
    assert found["sum"] == found["linear_layer"] == found["comparison"] == 1
    assert found["copy_into"] == found["indexing"] == found["single_number"] == 0
    assert found["share_together"] == 0


def test_there_are_seventeen_operations_and_all_run_where_nothing_is_mixed() -> None:
    found = outcomes("cpu")
    assert len(OPERATIONS) == 17
    assert set(found) == {"share", "share_together", *OPERATIONS}
    assert not any(found.values())
