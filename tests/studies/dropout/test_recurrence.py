"""Cells against those of PyTorch, masks where they are said to stand, gradients through time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from studies.dropout.between_layers import GRU as NN_GRU
from studies.dropout.between_layers import LSTM as NN_LSTM
from studies.dropout.between_layers import probed_mask
from studies.dropout.recurrence import (
    FIXED,
    FRESH,
    GRU,
    LSTM,
    NONE,
    STATE,
    Weights,
    new_weights,
    read_out,
)
from studies.dropout.recurrent_gradient import gradient_back

CELLS = pytest.mark.parametrize("cell", [LSTM, GRU])


def some_weights(cell: str) -> Weights:
    return new_weights(cell, (1, 2), features=3, units=5, classes=4)


@CELLS
def test_without_masks_a_cell_is_that_of_pytorch(cell: str) -> None:
    weights, x = some_weights(cell), torch.randn(2, 6, 7, 3)
    net = getattr(nn, cell)(3, 5, batch_first=True)
    tensors = dict(net.named_parameters())
    with torch.no_grad():
        for name, value in (
            ("weight_ih_l0", weights.of_input[1].T),
            ("weight_hh_l0", weights.of_state[1].T),
            ("bias_ih_l0", weights.bias[1, 0]),
            ("bias_hh_l0", weights.state_bias[1, 0]),
        ):
            tensors[name].copy_(value)
        last = net(x[1])[0][:, -1]
        expected = last @ weights.read[1] + weights.read_bias[1]
    torch.testing.assert_close(read_out(weights, x)[1].detach(), expected)


@CELLS
@pytest.mark.parametrize("mask", [FRESH, FIXED, STATE])
def test_a_rate_of_zero_changes_nothing_and_half_does(cell: str, mask: str) -> None:
    torch.manual_seed(0)
    weights, x = some_weights(cell), torch.randn(2, 6, 7, 3)
    plain = read_out(weights, x)
    torch.testing.assert_close(read_out(weights, x, mask, 0.0), plain)
    assert not torch.allclose(read_out(weights, x, mask, 0.5), plain)


@CELLS
def test_all_of_the_state_dropped_leaves_the_last_input_alone(cell: str) -> None:
    weights, x = some_weights(cell), torch.randn(2, 6, 7, 3)
    other = x.clone()
    other[:, :, :-1] = 0
    # A rate of one drops everything that is handed on.
    torch.testing.assert_close(
        read_out(weights, x, STATE, 1.0), read_out(weights, other, STATE, 1.0)
    )


def test_the_gradient_of_a_state_that_decays_evenly_shrinks_by_its_rate() -> None:
    weights = new_weights(GRU, (1,), features=1, units=1, classes=2)
    with torch.no_grad():
        for each in weights.tensors():
            each.zero_()
        # Update gates of one half, candidates in proportion to small inputs.
        weights.of_input[..., 2] = 1e-3
        weights.read[..., 0] = 1.0
    steps = 11
    left, _ = gradient_back(
        weights, torch.ones(1, 4, steps, 1), torch.zeros(1, 4, dtype=torch.int64), NONE, 0.0
    )
    assert left == pytest.approx(np.full_like(left, (steps - 1) * np.log10(0.5)), abs=1e-3)


@pytest.mark.parametrize("kind", [NN_LSTM, NN_GRU])
def test_the_probe_sees_about_half_of_the_units_dropped(kind: str) -> None:
    torch.manual_seed(4)
    kept = probed_mask(kind, 2, "cpu")
    assert kept.double().mean().item() == pytest.approx(0.5, abs=0.05)
