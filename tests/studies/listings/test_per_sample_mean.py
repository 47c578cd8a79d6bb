"""The mean over rows by its definition, and a network that tells short batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from harness.design.factors import Arm
from harness.workloads.six_strategies import Rows
from studies.listings.per_sample_mean import (
    ALL,
    BATCHES,
    DROPPED,
    Cell,
    mean_over_rows,
    measure,
)


def test_the_mean_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    logits, labels = 30 * rng.normal(size=(50, 4)), rng.integers(4, size=50)
    expected = -log_softmax(logits, axis=1)[np.arange(50), labels].mean()
    assert mean_over_rows(logits, labels) == pytest.approx(expected)


@pytest.mark.parametrize("loader", [BATCHES, ALL])
def test_rows_of_a_short_batch_weigh_as_much_as_others(loader: str) -> None:
    found = measured(loader)
    assert found["off"] < 1e-5


def test_left_out_rows_and_means_of_means_are_seen() -> None:
    assert measured(DROPPED)["off"] > 0.1
    assert measured(BATCHES)["means_off"] > 0.1
    assert measured(ALL)["means_off"] < 1e-5


def measured(loader: str) -> dict[str, float]:
    """The last 24 of 600 rows, which are a batch of their own, have a loss of about 20."""
    x = torch.zeros(600, 4)
    x[:, 0] = 20
    y = torch.zeros(600, dtype=torch.long)
    y[576:] = 1
    found = measure(Cell(torch.nn.Identity(), Rows(x, y)), Arm((("loader", loader),)))
    return {name: float(str(value)) for name, value in found.items()}
