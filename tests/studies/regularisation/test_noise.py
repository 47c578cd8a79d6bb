"""Labels that have nothing to do with their rows."""

from __future__ import annotations

import pytest
import torch

from harness.workloads.samples import draw_sample
from studies.regularisation.noise import ENOUGH, TASKS, parameters, with_random_labels


def test_labels_are_drawn_from_each_seed_and_know_nothing_of_the_true_ones() -> None:
    plain = draw_sample("digits", (1, 2, 3, 4))
    noisy = with_random_labels(plain)
    again = with_random_labels(draw_sample("digits", (2,)))
    assert torch.equal(noisy.train.y[1], again.train.y[0])
    assert (noisy.train.y == plain.train.y).double().mean().item() == pytest.approx(0.1, abs=0.03)
    counts = torch.bincount(noisy.train.y.flatten(), minlength=10).double()
    assert counts.min() > 0.8 * counts.mean()
    assert torch.equal(noisy.test.y, plain.test.y)
    assert torch.equal(noisy.train.x, plain.train.x)


def test_enough_is_fifty_parameters_a_row_in_every_task() -> None:
    digits = TASKS["digits"]
    assert parameters(digits, 4) == 65 * 4 + 5 * 4 + 5 * 10
    assert all(parameters(each, ENOUGH) >= 50 * each.rows for each in TASKS.values())
