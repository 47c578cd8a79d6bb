"""The spread of accuracy over validations against the law of independent rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.meters.device import TorchDevice
from harness.workloads.datasets import Split
from studies.eval_variance.validation_size import (
    SIZE,
    Trained,
    expected_sd,
    measure,
    prepare,
)

PASSES = 400


def start(seed: int) -> None:
    """Streams and threads as the runner sets them before an arm."""
    TorchDevice("cpu").start(seed, threads=1)


def gamble() -> nn.Module:
    """A random network with dropout: how often it is right differs from row to row."""
    model = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    start(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model


def cell_of(model: nn.Module) -> Trained:
    x = torch.linspace(-2, 2, 700).view(-1, 1)[torch.randperm(700)]
    y = torch.zeros(700, dtype=torch.int64)
    return Trained(Split(x, y, x, y, 2), {0.5: model}, PASSES)


def measured(cell: Trained, n: int, mode: str) -> dict[str, Any]:
    start(1)
    return dict(measure(cell, Arm((("n_val", n), ("dropout", 0.5), ("mode", mode)))))


@pytest.mark.parametrize("n", SIZE.levels)
def test_accuracy_spreads_as_independent_rows_do(n: int) -> None:
    seen = measured(cell_of(gamble()), n, "train")
    spread = np.std(seen["accuracy"], ddof=1)
    assert spread > 0
    assert spread == pytest.approx(seen["expected_sd"], rel=5 / math.sqrt(2 * PASSES))
    groups = np.reshape(seen["accuracy"], (-1, 20))
    assert seen["range_of_20"] == pytest.approx(np.ptp(groups, axis=1).mean())


@pytest.mark.parametrize("n", SIZE.levels)
def test_a_range_of_twelve_points_to_the_row_counts_as_twelve(n: int) -> None:
    class Slips(nn.Module):
        """Right for all rows, and in every other pass wrong for 12 % of them."""

        passes = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.passes += 1
            missed = (torch.arange(len(x)) < round(0.12 * len(x)) * (self.passes % 2)).float()
            return torch.stack([1 - missed, missed], dim=1)

    assert measured(cell_of(Slips()), n, "train")["range_of_20"] == 0.12


def test_eval_mode_neither_spreads_nor_expects_to() -> None:
    seen = measured(cell_of(gamble()), 100, "eval")
    assert len(set(seen["accuracy"])) == 1
    assert seen["expected_sd"] == 0


def test_expected_sd_is_the_binomial_formula() -> None:
    rates = torch.tensor([0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    stream = torch.Generator().manual_seed(0)
    correct = torch.rand(20000, 4, generator=stream, dtype=torch.float64) < rates
    by_hand = math.sqrt(float((rates * (1 - rates)).sum())) / 4
    assert expected_sd(correct) == pytest.approx(by_hand, rel=0.02)


def test_one_mask_for_all_rows_would_break_the_law() -> None:
    together = torch.rand(PASSES, 1, generator=torch.Generator().manual_seed(0)) < 0.5
    correct = together.expand(PASSES, 100)
    seen = correct.double().mean(dim=1).std().item()
    assert seen > 9 * expected_sd(correct)


def test_smaller_sets_are_part_of_larger_ones_and_the_largest_is_held_out() -> None:
    start(0)
    cell = prepare(Block(0, seed=1, shared_seed=0, effort=5))
    assert len(cell.split.val_x) >= SIZE.levels[-1]
    start(0)
    few = measure(cell, Arm((("n_val", 25), ("dropout", 0.1), ("mode", "eval"))))
    with torch.no_grad():
        logits = cell.networks[0.1].eval()(cell.split.val_x)
    hits = (logits.argmax(dim=1) == cell.split.val_y)[:25].double().mean().item()
    assert few["accuracy"] == [hits] * cell.passes
