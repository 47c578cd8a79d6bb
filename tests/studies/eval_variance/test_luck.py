"""How often a noisy validation reverses the order of two checkpoints."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from harness.design.factors import Arm
from harness.meters.device import TorchDevice
from harness.workloads.datasets import Split, load_split
from harness.workloads.networks import mlp
from harness.workloads.training import fit_classifier
from studies.eval_variance.luck import Trained, measure, reversal_rate, train_and_keep


def start(seed: int) -> None:
    """Streams and threads as the runner sets them before an arm."""
    TorchDevice("cpu").start(seed, threads=1)


def test_rate_counts_all_combinations_and_leaves_ties_out() -> None:
    first, second = [0.9, 0.8, 0.7], [0.8, 0.6]
    wrong = sum(a < b for a, b in itertools.product(first, second))
    assert reversal_rate(first, second, better=True) == wrong / 6
    assert reversal_rate(second, first, better=False) == wrong / 6
    assert (
        reversal_rate([0.5], [0.5], better=True) == reversal_rate([0.5], [0.5], better=False) == 0
    )


def test_rate_is_the_normal_one_for_normal_noise() -> None:
    stream = np.random.default_rng(0)
    better, worse = stream.normal(0.91, 0.01, 3000), stream.normal(0.90, 0.01, 3000)
    expected = stats.norm.cdf(-0.01 / (0.01 * np.sqrt(2)))
    assert reversal_rate(better, worse, better=True) == pytest.approx(expected, abs=0.02)


def coin(bias: float) -> nn.Module:
    """Right for rows above a bound in eval mode; in train mode dropout can take the row away."""
    read_out = nn.Linear(1, 2)
    with torch.no_grad():
        read_out.weight.copy_(torch.tensor([[1.0], [0.0]]))
        read_out.bias.copy_(torch.tensor([0.0, bias]))
    return nn.Sequential(nn.Dropout(0.5), read_out)


def measured(checkpoints: list[nn.Module], mode: str) -> dict[str, Any]:
    x, y = torch.linspace(0, 1, 200).view(-1, 1), torch.zeros(200, dtype=torch.int64)
    start(0)
    cell = Trained(Split(x, y, x, y, 2), {0.5: checkpoints})
    return dict(measure(cell, Arm((("dropout", 0.5), ("mode", mode)))))


def test_close_checkpoints_are_reversed_and_distant_ones_are_not() -> None:
    # Right for a share of 1 - bias of the rows in eval mode: 90, 90 (a tie), 89 and 20 %.
    checkpoints = [coin(bias) for bias in (0.1, 0.1, 0.11, 0.8)]
    seen = measured(checkpoints, "train")
    assert len(seen["reversed"]) == len(seen["apart"]) == 5  # six pairs, one of them without order
    assert len(seen["reversed_next"]) == 2
    # The third lies a point below the first two: 1 % of 200 rows are 2.
    assert seen["reversed_close"] == [
        rate
        for rate, gap in zip(seen["reversed"], seen["apart"], strict=True)
        if gap in (pytest.approx(0.005), pytest.approx(0.01))
    ]
    assert len(seen["reversed_close"]) == 2
    near = [rate for rate, gap in zip(seen["reversed"], seen["apart"], strict=True) if gap < 0.05]
    far = [rate for rate, gap in zip(seen["reversed"], seen["apart"], strict=True) if gap > 0.5]
    assert len(near) == 2
    assert all(0.1 < rate < 0.7 for rate in near)
    assert len(far) == 3
    assert all(rate == 0 for rate in far)


def test_eval_mode_reverses_nothing() -> None:
    seen = measured([coin(bias) for bias in (0.1, 0.11, 0.12)], "eval")
    assert seen["reversed"] == [0, 0, 0]
    assert seen["apart"] == pytest.approx([0.01, 0.02, 0.01], abs=0.006)


def test_without_a_pair_of_the_distance_asked_for_there_is_no_rate() -> None:
    seen = measured([coin(0.1), coin(0.8)], "train")
    assert math.isnan(seen["reversed_close"])


def test_the_loop_is_the_plain_one_with_copies_kept() -> None:
    split = load_split("wine", seed=0)
    start(0)
    kept = train_and_keep(mlp(13, 3, dropout=0.2), split, epochs=3, seed=5)
    start(0)
    plain = fit_classifier(mlp(13, 3, dropout=0.2), split.train_x, split.train_y, seed=5, epochs=3)
    last = zip(kept[-1].parameters(), plain.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in last)
    assert not torch.equal(next(kept[0].parameters()), next(kept[1].parameters()))
