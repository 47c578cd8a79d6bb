"""Loops that zero gradients in different places."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.bugs.zero_position import BETWEEN, FIRST, LAST, measure

BLOCKS = (Block(0, 1, 3, effort=20), Block(1, 2, 3, effort=20))


def arm(zero: str, optimiser: str) -> Arm:
    return Arm((("zero", zero), ("optimiser", optimiser)))


@pytest.mark.parametrize("zero", [FIRST, BETWEEN, LAST])
def test_the_place_makes_no_difference(zero: str) -> None:
    for found in measure(BLOCKS, arm(zero, "Adam")):
        assert found["apart"] == 0
        assert float(str(found["loss_change"])) < 0


def test_never_zeroing_differs_from_the_second_step_on() -> None:
    assert [found["apart"] for found in measure(BLOCKS, arm("never", "SGD"))] == [19, 19]
