"""The small tasks: what their networks are made of, and how a gap is read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.libraries import nn
from studies.tuning.tasks import RESIDUAL_BLOCKS, gap, perceptron, prolonged, residual
from tests.studies.tuning.planted import history


def rates_of(network: nn.Module) -> list[float]:
    return [module.p for module in network.modules() if isinstance(module, nn.Dropout)]


def test_dropout_stands_behind_each_hidden_layer_and_none_behind_the_read_out() -> None:
    network = perceptron(5, 3, (8, 4), (0.5, 0.2))
    assert rates_of(network) == [0.5, 0.2]
    assert isinstance(network[-1], nn.Linear)
    assert network(torch.zeros(2, 5)).shape == (2, 3)


def test_the_last_rate_goes_on_to_the_end() -> None:
    assert prolonged((0.5, 0.3), 4) == [0.5, 0.3, 0.3, 0.3]
    assert prolonged((0.5, 0.3), 1) == [0.5]


def test_each_residual_block_has_its_rate() -> None:
    network = residual(5, 3, (0.1, 0.4))
    assert rates_of(network) == [0.1, *[0.4] * (RESIDUAL_BLOCKS - 1)]
    assert network(torch.zeros(2, 5)).shape == (2, 3)


def test_networks_that_differ_in_dropout_start_equal() -> None:
    torch.manual_seed(3)
    one = perceptron(5, 3, (8, 4), (0.0,))
    torch.manual_seed(3)
    other = perceptron(5, 3, (8, 4), (0.9,))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_gap_is_training_less_test_accuracy_at_each_replicas_own_row() -> None:
    train, test = np.array([[0.8, 0.7], [1.0, 0.9]]), np.array([[0.7, 0.7], [0.6, 0.8]])
    curves = history(np.ones((2, 2)), train_score=train, test_score=test)
    assert gap(curves) == pytest.approx([0.4, 0.1])
    assert gap(curves, np.array([0, 1])) == pytest.approx([0.1, 0.1])
