"""A batch's step against 32 single ones, where the answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.design.factors import Arm
from studies.step_anatomy.mean_loss import (
    CROSS_ENTROPY,
    DEFAULT,
    IGNORED,
    SQUARES,
    SUM,
    WEIGHTED,
    Batch,
    distance,
    measure,
    targets_of,
)


def batch(*, alike: bool = False) -> Batch:
    torch.manual_seed(0)
    x = torch.randn(32, 4, dtype=torch.float64)
    x = x[:1].expand(32, 4) if alike else x
    y = torch.full((32,), 2) if alike else torch.arange(32) % 10
    return Batch(nn.Linear(4, 10).double(), x, y)


def arm(criterion: str, setting: str) -> Arm:
    return Arm((("criterion", criterion), ("setting", setting)))


@pytest.mark.parametrize(("criterion", "times"), [(CROSS_ENTROPY, 32), (SQUARES, 320)])
def test_a_sum_is_as_many_means_as_there_are_terms(criterion: str, times: int) -> None:
    found = measure(batch(), arm(criterion, SUM))
    for name in ("loss_off", "gradient_off", "step_off"):
        assert found[name] == pytest.approx(times - 1)


def test_of_32_equal_examples_weights_for_classes_and_ignored_targets_change_nothing() -> None:
    for setting in (DEFAULT, WEIGHTED, IGNORED):
        found = measure(batch(alike=True), arm(CROSS_ENTROPY, setting))
        assert found["step_off"] == pytest.approx(0, abs=1e-12)


def test_weights_for_classes_give_the_weighted_mean_by_numpy() -> None:
    cell = batch()
    found = measure(cell, arm(CROSS_ENTROPY, WEIGHTED))
    logits = cell.net(cell.x).detach().numpy()
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(32), cell.y]
    weights = np.arange(1, 11)[cell.y]
    expected = abs(np.average(losses, weights=weights) / losses.mean() - 1)
    assert found["loss_off"] == pytest.approx(expected)


def test_every_fourth_target_is_ignored_and_squares_are_of_ones_and_zeros() -> None:
    y = torch.arange(8)
    assert targets_of(arm(CROSS_ENTROPY, IGNORED), y).tolist() == [-100, 1, 2, 3, -100, 5, 6, 7]
    assert targets_of(arm(SQUARES, DEFAULT), y).argmax(1).tolist() == y.tolist()


def test_a_distance_is_relative_to_what_is_expected() -> None:
    assert distance(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 4.0])) == pytest.approx(0.75)
