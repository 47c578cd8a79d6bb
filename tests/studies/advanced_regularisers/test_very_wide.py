"""The wide layer's regularisers, and the choice among them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.workloads.regularisers import DropConnect
from studies.advanced_regularisers.very_wide import (
    BEST,
    CONNECT,
    DIGITS,
    DROPOUT,
    NOTHING,
    WIDE,
    Found,
    Trained,
    measure,
    network,
)


def test_all_start_from_equal_weights() -> None:
    states = []
    for layer in (NOTHING, *CONNECT, DROPOUT):
        torch.manual_seed(0)
        states.append(list(network(layer, 9, 7, 3).parameters()))
    for others in states[1:]:
        assert all(torch.equal(a, b) for a, b in zip(states[0], others, strict=True))


@pytest.mark.parametrize("layer", CONNECT)
def test_both_layers_lose_weights_at_the_probability_of_their_name(layer: str) -> None:
    linear = [m for m in network(layer, 9, 7, 3).children() if isinstance(m, nn.Linear)]
    assert [m.p for m in linear if isinstance(m, DropConnect)] == [float(layer.split()[1])] * 2


def test_the_best_is_that_which_validates_best_in_each_block() -> None:
    trained = Trained((Block(0, 1, 0), Block(1, 2, 0)))
    each = zip(CONNECT, ((0.5, 0.9), (0.6, 0.1)), ((0.1, 0.2), (0.3, 0.4)), strict=True)
    for layer, validation, test in each:
        columns = (np.array(test),) * 3
        trained._found[DIGITS, WIDE, layer] = Found(np.array(validation), *columns)
    nothing = (np.zeros(2),) * 4
    trained._found[DIGITS, WIDE, DROPOUT] = Found(*nothing)
    arm = Arm((("task", DIGITS), ("width", WIDE), ("layer", BEST)))
    assert [found["accuracy"] for found in measure(trained, arm)] == [0.3, 0.2]
