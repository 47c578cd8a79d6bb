"""How overlap inflates validation, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.overlap import OVERLAPS, contaminated, measure
from studies.bugs.samples import CANCER, FEW, LINEAR, NEAREST, PERCEPTRON, WRONG


def test_validation_rises_in_a_straight_line_from_fresh_to_known_accuracy() -> None:
    known, fresh = np.ones(100, bool), np.arange(400) % 2 == 0
    validation, production = contaminated(known, fresh, np.random.default_rng(0))
    assert validation == pytest.approx([0.5 + 0.5 * overlap for overlap in OVERLAPS], abs=0.02)
    assert production == pytest.approx(0.5, abs=0.01)
    assert validation[-1] == 1


def test_a_model_that_knows_its_rows_no_better_cannot_be_inflated() -> None:
    known, fresh = np.arange(100) % 4 > 0, np.arange(400) % 4 > 0
    validation, production = contaminated(known, fresh, np.random.default_rng(0))
    assert validation - production == pytest.approx([0] * len(OVERLAPS), abs=0.02)


def measured(data: str, model: str) -> dict[str, object]:
    torch.set_num_threads(1)
    return dict(measure(Block(0, 5, 6, effort=60), Arm((("data", data), ("model", model)))))


def test_one_nearest_neighbour_knows_every_row_it_has_seen() -> None:
    found = measured(WRONG, NEAREST)
    assert found["training"] == 1
    assert found["full_behind_training"] == 0
    # A label is right with 3/4, and agrees with a neighbour's that is wrong in one case in 9 x 16.
    agree = 0.75**2 + 0.25**2 / 9
    assert float(str(found["production"])) == pytest.approx(agree, abs=0.05)
    assert float(str(found["full_gap"])) == pytest.approx(1 - agree, abs=0.05)


@pytest.mark.parametrize("model", [LINEAR, PERCEPTRON])
def test_a_block_repeats_exactly(model: str) -> None:
    assert measured(FEW, model) == measured(FEW, model)
    assert abs(float(str(measured(CANCER, model)["no_overlap_gap"]))) < 0.05
