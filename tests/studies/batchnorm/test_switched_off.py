"""How far a layer is from being off, on layers of which one knows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm
from studies.batchnorm.switched_off import DROPOUT, TRAINED, UNTRAINED, measure
from studies.eval_variance.batch_norm import Cell


def arm(layer: str, state: str = TRAINED) -> Arm:
    return Arm((("layer", layer), ("state", state)))


def doubling() -> nn.BatchNorm1d:
    """In eval mode it adds twice what it is given, and no shift."""
    layer = nn.BatchNorm1d(8, eps=0.0)
    nn.init.constant_(layer.weight, 2.0)
    return layer


def test_a_layer_that_doubles_is_off_by_as_much_as_it_is_given() -> None:
    torch.manual_seed(0)
    cell = Cell({"BatchNorm1d": doubling()}, {"BatchNorm1d": torch.randn(1000, 8)})
    assert measure(cell, arm("BatchNorm1d"))["distance"] == pytest.approx(1.0, abs=0.05)


def test_an_untrained_layer_is_nearly_off_and_dropout_is_off() -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 8)
    cell = Cell(
        {"BatchNorm1d": doubling(), DROPOUT: nn.Dropout(0.5)}, {"BatchNorm1d": x, DROPOUT: x}
    )
    # It divides by the square root of 1 + 1e-5.
    nearly = measure(cell, arm("BatchNorm1d", UNTRAINED))["distance"]
    assert nearly == pytest.approx(5e-6, rel=0.1)
    assert measure(cell, arm(DROPOUT))["distance"] == 0
