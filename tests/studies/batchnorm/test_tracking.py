"""What a batch norm layer keeps, checked with numbers one can work out on paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from studies.batchnorm.tracking import (
    DEFAULTS,
    LAYER,
    PLAIN_AVERAGE,
    Cell,
    measure,
    moving_average,
    prepare,
)


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.manual_seed(1)
    return prepare(Block(0, 1, 2))


def arm(mode: str, layer: str = "BatchNorm1d", use: str = DEFAULTS) -> Arm:
    return Arm((("mode", mode), ("layer", layer), ("use", use)))


def test_one_batch_moves_the_averages_a_tenth_of_the_way() -> None:
    before = (torch.zeros(1), torch.ones(1))
    batch = torch.tensor([[[1.0], [5.0]]])  # mean 3, unbiased variance 8, biased 4
    mean, variance = moving_average(before, batch, correction=1)
    assert mean.item() == pytest.approx(0.3)
    assert variance.item() == pytest.approx(0.9 + 0.8)
    assert moving_average(before, batch, correction=0)[1].item() == pytest.approx(0.9 + 0.4)


def test_a_layer_that_forgot_a_batch_would_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))
    honest = nn.BatchNorm1d.forward

    def forgetful(self: nn.BatchNorm1d, x: Tensor) -> Tensor:
        if next(calls) % 10 == 9:
            return functional.batch_norm(x, None, None, training=True)
        return honest(self, x)

    monkeypatch.setattr(nn.BatchNorm1d, "forward", forgetful)
    found = measure(cell, arm("train"))
    assert found["moved"] == pytest.approx(0.9)
    assert found["gap_to_average"] > 1e-3  # type: ignore[operator]  # a number


def test_plain_averages_are_no_moving_averages(cell: Cell) -> None:
    found = measure(cell, arm("train", use=PLAIN_AVERAGE))
    assert found["gap_to_average"] > 0.01  # type: ignore[operator]  # a number


@pytest.mark.parametrize("layer", LAYER.levels)
def test_measuring_leaves_the_shared_layer_as_it_was(cell: Cell, layer: str) -> None:
    before = {name: x.clone() for name, x in cell.layers[layer].state_dict().items()}
    measure(cell, arm("train", layer))
    after = cell.layers[layer].state_dict()
    assert all(torch.equal(x, after[name]) for name, x in before.items())
