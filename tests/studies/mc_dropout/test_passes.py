"""Passes: dropout alone is on, and what they add up to is what NumPy says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.workloads import Replicas
from studies.mc_dropout.passes import Moments, dropout_alone, passes, probabilities


def nets(rate: float = 0.5) -> Replicas:
    torch.manual_seed(1)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(rate), nn.Linear(8, 3)]
    return Replicas([nn.Sequential(*layers) for _ in range(2)])


def test_moments_are_those_of_numpy_however_little_varies() -> None:
    values = 1e3 + 1e-4 * np.random.default_rng(0).normal(size=(500, 2, 3))
    moments = Moments()
    for each in values:
        moments.add(torch.as_tensor(each))
    np.testing.assert_allclose(moments.mean(), values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance(), values.var(axis=0, ddof=1), rtol=1e-6)


def test_dropout_alone_varies_and_leaves_batch_norm_as_it_is() -> None:
    together = dropout_alone(nets())
    before = {name: each.clone() for name, each in together.named_buffers()}
    first, again = passes(together, torch.randn(2, 5, 6), 2)
    assert not torch.equal(first, again)
    assert all(torch.equal(each, before[name]) for name, each in together.named_buffers())


def test_masks_differ_from_row_to_row_and_from_replica_to_replica() -> None:
    together = nets()
    out = next(passes(dropout_alone(together), torch.ones(2, 50, 6), 1))
    assert len({tuple(row.tolist()) for row in out[0]}) > 25


def test_the_mean_of_one_dropped_unit_is_that_of_its_two_masks() -> None:
    layer = nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 2))
    x = torch.ones(1, 1, 1)
    with torch.no_grad():
        kept, lost = (layer[1](torch.tensor([[v]])).softmax(dim=-1) for v in (2.0, 0.0))
    expected = (kept + lost).numpy()[0] / 2
    spread = ((kept - lost).numpy()[0] / 2) ** 2
    torch.manual_seed(2)
    moments = probabilities(Replicas([layer]), x, 2000)
    assert moments.mean()[0, 0] == pytest.approx(expected, abs=0.03)
    assert moments.variance()[0, 0] == pytest.approx(spread, rel=0.05)
