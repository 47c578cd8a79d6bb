"""The variance ratio, against what theory gives for one layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.workloads import Replicas
from studies.batchnorm.nets import perceptron
from studies.batchnorm.shift import batch_norms, variance_ratios, with_new_statistics
from tests.studies.batchnorm.stored import skewed, with_stored_statistics

ROWS, FEATURES, UNITS = 512, 6, 4


def ratio_of(net: nn.Module, rows: torch.Tensor) -> float:
    stored = with_stored_statistics(net, rows)
    return float(variance_ratios(Replicas([stored]), rows[None])[0, 0])


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_dropout_right_before_a_batch_norm_leaves_what_theory_says(p: float) -> None:
    x = skewed(ROWS, FEATURES)
    variance, square = x.var(0), x.square().mean(0)
    # Var(x m / (1 - p)) of a mask m: the square of the mean comes in too.
    theory = variance.sum() / (variance + p / (1 - p) * square).sum()
    net = nn.Sequential(nn.Dropout(p), nn.BatchNorm1d(FEATURES))
    assert ratio_of(net, x) == pytest.approx(theory.item(), rel=0.02)
    assert theory.item() < 1 - p


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_behind_a_layer_of_weights_the_shift_is_that_of_independent_noise(p: float) -> None:
    x = skewed(ROWS, FEATURES)
    linear = nn.Linear(FEATURES, UNITS)
    weights = linear.weight.detach()
    of_rows = (x @ weights.T).var(0)
    noise = p / (1 - p) * weights.square() @ x.square().mean(0)
    theory = of_rows.sum() / (of_rows + noise).sum()
    net = nn.Sequential(nn.Dropout(p), linear, nn.BatchNorm1d(UNITS))
    assert ratio_of(net, x) == pytest.approx(theory.item(), rel=0.02)


def test_without_dropout_there_is_no_shift() -> None:
    x = skewed(ROWS, FEATURES)
    net = nn.Sequential(nn.Linear(FEATURES, UNITS), nn.BatchNorm1d(UNITS))
    assert ratio_of(net, x) == pytest.approx(1.0, abs=1e-4)


def test_ratios_stand_by_layer_and_replica() -> None:
    x = skewed(2 * 64, FEATURES).view(2, 64, FEATURES)
    nets = []
    for rows in x:
        net = with_stored_statistics(perceptron(FEATURES, 3, widths=(8, 5)), rows, passes=1)
        nets.append(net)
    second = batch_norms(nets[1])[0]
    second.running_var *= 4  # as if four times the variance had been stored
    ratios = variance_ratios(Replicas(nets), x)
    assert ratios.shape == (2, 2)
    assert ratios[0, 1] == pytest.approx(0.25, rel=1e-3)
    assert ratios[0, 0] == pytest.approx(1.0, rel=1e-3)


def test_networks_without_batch_norm_have_no_ratio() -> None:
    net = perceptron(FEATURES, 3, batch_norm=False)
    assert variance_ratios(Replicas([net]), skewed(8, FEATURES)[None]).shape == (0, 1)


def test_the_mode_of_the_replicas_is_kept() -> None:
    nets = Replicas([perceptron(FEATURES, 3)]).train()
    variance_ratios(nets, skewed(8, FEATURES)[None])
    assert nets.training


def test_new_statistics_are_those_of_eval_mode_at_every_layer() -> None:
    x = skewed(ROWS, FEATURES)
    net = perceptron(FEATURES, 3, widths=(8, 8, 8), place="before", drop=0.5)
    stored = with_stored_statistics(net, x, passes=3)
    before = {name: value.clone() for name, value in stored.state_dict().items()}
    mended = with_new_statistics(stored, x)
    np.testing.assert_allclose(variance_ratios(Replicas([mended]), x[None]), 1.0, rtol=0.01)
    after = stored.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
