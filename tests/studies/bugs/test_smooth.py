"""How smoothly a loss falls."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_RELU
from studies.bugs.smooth import describe, measure


def test_smoothness_counts_the_epochs_that_do_not_rise() -> None:
    found = describe([4.0, 2.0, 2.0, 3.0, 1.0])
    assert found["not_rising"] == 3 / 4
    assert found["largest_rise"] == 1 / 4
    assert found["last_over_first"] == 1 / 4
    assert describe([3.0, 2.0])["largest_rise"] == 0


def test_every_block_has_its_own_curve() -> None:
    blocks = tuple(Block(number, 10 + number, 4, effort=4) for number in range(3))
    arm = Arm((("task", SPIRAL_RELU), ("recipe", "Adam, 0.01")))
    found = measure(blocks, arm)
    curves = [tuple(block["train_loss"]) for block in found]  # type: ignore[arg-type]
    assert {len(curve) for curve in curves} == {4}
    assert len(set(curves)) == 3
    alone = measure(blocks[1:2], arm)[0]["train_loss"]
    assert curves[1] == pytest.approx(alone, rel=1e-3), "company changes only the rounding"
