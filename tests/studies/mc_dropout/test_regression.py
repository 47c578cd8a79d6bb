"""Regressions: a right spread covers what it should, and the truth has no noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from harness import Block
from studies.mc_dropout.levels import SINE
from studies.mc_dropout.regression import Spread, draw, friedman, residual_variance

STREAM = np.random.default_rng(5)


def test_a_spread_as_wide_as_the_error_covers_95_percent_and_half_of_it_67() -> None:
    truth = torch.as_tensor(STREAM.normal(size=(2, 5000, 1)))
    mean = np.zeros((2, 5000))
    assert Spread(mean, np.ones_like(mean)).covers(truth).tolist() == pytest.approx(
        [0.95, 0.95], abs=0.01
    )
    narrow = Spread(mean, np.full_like(mean, 0.25))
    assert narrow.covers(truth).tolist() == pytest.approx([0.673] * 2, abs=0.02)
    assert narrow.covers(truth, np.array([0.75, 0.0]))[0] == pytest.approx(0.95, abs=0.01)


def test_residual_variance_is_what_passes_leave_of_the_error() -> None:
    y = torch.as_tensor(2 * STREAM.normal(size=(1, 20_000, 1)))
    said = Spread(np.zeros((1, 20_000)), np.ones((1, 20_000)))
    assert residual_variance(said, y)[0] == pytest.approx(3, rel=0.05)
    assert residual_variance(Spread(said.mean, 9 * said.variance), y).tolist() == [0]


def test_friedmans_truth_is_his_formula_and_targets_have_noise_of_one() -> None:
    data = friedman([1, 2], "cpu")
    x = data.sample.test.x.double().numpy() / math.sqrt(12) + 0.5
    exact = (
        10 * np.sin(np.pi * x[..., 0] * x[..., 1])
        + 20 * (x[..., 2] - 0.5) ** 2
        + 10 * x[..., 3]
        + 5 * x[..., 4]
    )
    truth = data.truth[..., 0].double().numpy()
    for replica in range(2):
        slope, _ = np.polyfit(truth[replica], exact[replica], 1)
        assert np.corrcoef(truth[replica], exact[replica])[0, 1] == pytest.approx(1, abs=1e-6)
        noise = slope * (data.sample.test.y[replica, :, 0].double().numpy() - truth[replica])
        assert noise.std() == pytest.approx(1, abs=0.2)
    assert float(data.sample.train.y.mean()) == pytest.approx(0, abs=1e-5)


def test_the_sines_truth_is_the_sine() -> None:
    data = draw(SINE, (Block(0, seed=1, shared_seed=1),))
    assert torch.equal(data.truth, data.sample.test.x.sin())
    assert float((data.sample.test.y - data.truth).std()) == pytest.approx(0.3, abs=0.08)
