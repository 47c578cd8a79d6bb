"""The two-pass equality test, against the chance that a unit is dropped in one pass only."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.eval_variance import two_pass_test
from studies.eval_variance.two_pass_test import (
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


class Shifting(nn.Module):
    """Adds in train mode a number that is the same in every pass, or another in each."""

    def __init__(self, *, anew: bool) -> None:
        super().__init__()
        self.anew, self.calls = anew, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x[:, :4] + self.training * (0.25 + self.anew * self.calls)


@pytest.mark.parametrize(("anew", "caught"), [(True, 1.0), (False, 0.0)])
def test_the_test_sees_what_differs_from_pass_to_pass_and_nothing_else(
    anew: bool, caught: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_pass_test, "network", lambda _: Shifting(anew=anew))
    found = measure(cell_of(1), arm("dropout 0.5", 2))
    assert (found["caught"], found["caught_in_eval"]) == (caught, 0.0)
    assert isinstance(found["off"], float)
    assert found["off"] > 0.2


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
    assert "75% of networks with dropout" in detection(table).get_suptitle()
