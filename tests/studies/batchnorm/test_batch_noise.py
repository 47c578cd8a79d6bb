"""Errors of batches, against all batches there are and against theory."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from harness import Responses
from studies.batchnorm.batch_noise import errors


def number(found: Responses, response: str) -> float:
    value = found[response]
    assert isinstance(value, float)
    return value


def test_batches_of_a_small_set_err_as_all_pairs_of_it_do() -> None:
    values = torch.tensor([[0.0], [1.0], [3.0], [8.0]], dtype=torch.float64)
    pairs = np.array(list(combinations(values.flatten().tolist(), 2)))
    mean, variance = values.mean().item(), values.var(correction=0).item()
    off = float(np.sqrt(np.mean((pairs.mean(axis=1) - mean) ** 2 / variance)))
    spread = float(np.sqrt(np.mean((pairs.var(axis=1) / variance - 1) ** 2)))
    found = errors(values.repeat(1, 500), 2, seed=0)
    many = [errors(values, 2, seed=seed) for seed in range(20)]
    assert found["mean_error_over_law"] == pytest.approx(1.0, abs=0.1)
    for response, by_hand, within in (("mean_error", off, 0.02), ("variance_error", spread, 0.05)):
        of_seeds = [number(each, response) for each in many]
        assert np.mean(of_seeds) == pytest.approx(by_hand, rel=within)


def test_a_batch_of_all_rows_has_no_error() -> None:
    torch.manual_seed(0)
    values = torch.randn(64, 4, dtype=torch.float64)
    # A batch of all rows has no error, and no law to be compared with.
    found = errors(values, 64, seed=1)
    assert found["mean_error"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(number(found, "mean_error_over_law"))


def test_the_error_of_a_mean_halves_with_four_times_the_rows() -> None:
    torch.manual_seed(0)
    values = torch.randn(4096, 16, dtype=torch.float64)
    few, many = (number(errors(values, size, seed=2), "mean_error") for size in (8, 32))
    assert few / many == pytest.approx(2.0, rel=0.05)
