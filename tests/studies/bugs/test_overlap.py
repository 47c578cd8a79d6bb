"""How overlap inflates validation, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.bugs.overlap import OVERLAPS, Cell, contaminated, measure
from studies.bugs.samples import (
    CANCER,
    FEW,
    LINEAR,
    NEAREST,
    PERCEPTRON,
    WRONG,
    load_tables,
)


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


def measured(data: str, model: str, seed: int = 5) -> dict[float, Responses]:
    torch.set_num_threads(1)
    cell = Cell(Block(0, seed, 6, effort=60, run=load_tables()))
    arm = Arm((("data", data), ("model", model), ("overlap", 0.0)))
    return {overlap: measure(cell, arm.replaced(overlap=overlap)) for overlap in OVERLAPS}


def test_one_nearest_neighbour_knows_every_row_it_has_seen() -> None:
    found = measured(WRONG, NEAREST)[1.0]
    assert found["training"] == 100
    assert found["behind_training"] == 0
    # A label is right with 3/4, and agrees with a neighbour's that is wrong in one case in 9 x 16.
    agree = 100 * (0.75**2 + 0.25**2 / 9)
    assert found["production"] == pytest.approx(agree, abs=5)
    assert found["gap"] == pytest.approx(100 - agree, abs=5)


@pytest.mark.parametrize("model", [LINEAR, PERCEPTRON])
def test_a_block_repeats_exactly(model: str) -> None:
    assert measured(FEW, model) == measured(FEW, model)


def test_all_overlaps_are_of_one_training(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []

    def learn(model: str, *_: object, **__: object) -> object:
        trained.append(model)
        return lambda x: np.zeros(len(x), int)

    monkeypatch.setattr("studies.bugs.overlap.learn", learn)
    found = measured(CANCER, NEAREST)
    assert trained == [NEAREST]
    assert len({found[overlap]["production"] for overlap in OVERLAPS}) == 1
    assert all(found[overlap]["off_arithmetic"] <= 5 for overlap in OVERLAPS)  # type: ignore[operator]
