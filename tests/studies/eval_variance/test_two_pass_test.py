"""The two-pass equality test, against the chance that a unit is dropped in one pass only."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.eval_variance.two_pass_test import (
    LAYER,
    MODE_MATTERS,
    ROWS,
    Cell,
    detection,
    measure,
    network,
    prepare,
)


def cell_of(seed: int) -> Cell:
    torch.manual_seed(seed)
    return prepare(Block(0, seed, 0))


def arm(layer: str, rows: int) -> Arm:
    return Arm((("layer", layer), ("rows", rows)))


def test_little_dropout_is_caught_as_often_as_an_active_unit_differs_between_the_passes() -> None:
    p, caught, expected, variance = 0.001, 0.0, 0.0, 0.0
    for seed in range(300):
        cell = cell_of(seed)
        value = measure(cell, arm("dropout 0.001", 2))["caught"]
        assert isinstance(value, float)
        caught += value
        torch.manual_seed(seed)
        net = network("dropout 0.001")
        assert isinstance(net, torch.nn.Sequential)
        active = int((net[:2](cell.x[:2]) > 0).sum())
        chance = 1 - (1 - 2 * p * (1 - p)) ** active
        expected, variance = expected + chance, variance + chance * (1 - chance)
    assert caught == pytest.approx(expected, abs=4 * variance**0.5)


@pytest.mark.parametrize("rows", ROWS.levels)
def test_batch_norm_in_train_mode_repeats_itself_and_yet_is_wrong(rows: int) -> None:
    found = measure(cell_of(1), arm("batch norm", rows))
    assert found["caught"] == 0.0
    assert isinstance(found["off"], float)
    assert found["off"] > 0.01


@pytest.mark.parametrize("layer", LAYER.levels)
def test_the_test_passes_in_eval_mode(layer: str) -> None:
    assert measure(cell_of(2), arm(layer, 256))["caught_in_eval"] == 0.0


def test_the_layers_differ_in_nothing_else() -> None:
    torch.manual_seed(5)
    plain = network("none")
    torch.manual_seed(5)
    dropped = network("dropout 0.5")
    for one, other in zip(plain.parameters(), dropped.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_title_of_the_figure_is_computed_from_the_table() -> None:
    table = pd.DataFrame(
        [
            {
                "block": block,
                "layer": layer,
                "rows": rows,
                "response": "caught",
                "value": float(block < 3),
            }
            for block in range(4)
            for layer in MODE_MATTERS
            for rows in ROWS.levels
        ]
    )
    assert "75%" in detection(table).get_suptitle()
