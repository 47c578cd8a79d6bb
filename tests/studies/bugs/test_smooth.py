"""How smoothly a loss falls."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_RELU
from studies.bugs.smooth import SIMULATOR, describe, measure, plateau


def test_a_rise_counts_against_the_first_loss_and_on_the_way_down() -> None:
    found = describe([4.0, 2.0, 2.0, 3.0, 1.0, 0.0, 2.0])
    assert found["largest_rise"] == 1 / 4
    assert found["rise_to_the_end"] == 2 / 4, "from the plateau"
    assert found["last_over_first"] == 2 / 4
    assert describe([3.0, 2.0])["largest_rise"] == 0


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [([10.0, 5.0, 1.0, 0.0, 0.5], 2), ([10.0, 5.0, 1.1, 0.0], 3), ([1.0, 2.0, 3.0], 0)],
)
def test_the_plateau_begins_where_nine_tenths_of_the_fall_are_done(
    losses: list[float], epoch: int
) -> None:
    assert plateau(losses) == epoch


def test_every_block_has_its_own_curve() -> None:
    blocks = tuple(Block(number, 10 + number, 4, effort=4) for number in range(3))
    arm = Arm((("task", SPIRAL_RELU), ("recipe", SIMULATOR)))
    found = measure(blocks, arm)
    curves = [tuple(block["train_loss"]) for block in found]  # type: ignore[arg-type]
    assert {len(curve) for curve in curves} == {4}
    assert len(set(curves)) == 3
    alone = measure(blocks[1:2], arm)[0]["train_loss"]
    assert curves[1] == pytest.approx(alone, rel=1e-3), "company changes only the rounding"
