"""Losses that are no numbers, and weights that overflow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.design.factors import Arm, Block, Level
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.nan_at_once import (
    EXPONENTIALS,
    LIBRARY,
    LOG_SOFTMAX,
    Watch,
    exponentials_by_hand,
    log_of_softmax,
    loss_of,
    measure,
)


@pytest.mark.parametrize("loss", [log_of_softmax, exponentials_by_hand])
def test_a_loss_by_hand_is_cross_entropy_of_small_logits(
    loss: Callable[..., torch.Tensor],
) -> None:
    logits, targets = torch.randn(50, 3, dtype=torch.float64), torch.randint(3, (50,))
    torch.testing.assert_close(loss(logits, targets), functional.cross_entropy(logits, targets))
    each = loss(logits, targets, reduction="none")
    torch.testing.assert_close(each, functional.cross_entropy(logits, targets, reduction="none"))


def test_losses_by_hand_break_where_exponentials_do() -> None:
    logits, target = torch.tensor([[200.0, 0.0]]), torch.tensor([1])
    assert functional.cross_entropy(logits, target) == 200
    assert not torch.isfinite(log_of_softmax(logits, target))
    assert not torch.isfinite(exponentials_by_hand(logits, target))
    assert loss_of(LIBRARY) is functional.cross_entropy
    assert loss_of(LOG_SOFTMAX) is log_of_softmax
    assert loss_of(EXPONENTIALS) is exponentials_by_hand


def test_weights_overflow_before_a_loss_is_no_number_or_not_at_all() -> None:
    """By replica: sound; a weight, then a loss; a loss first; a weight that is no number."""
    watch = Watch.of(4)
    watch.look(np.array([1.0, 1.0, math.nan, 1.0]), np.array([2.0, math.inf, math.nan, math.nan]))
    watch.look(np.array([3.0, math.nan, 1.0, math.inf]), np.array([1.0, 5.0, math.inf, 7.0]))
    assert watch.no_number.tolist() == [0, 1, 1, 1]
    assert watch.overflows.tolist() == [0, 1, 0, 0]
    assert watch.largest_weight.tolist() == [2, 5, 0, 7]
    assert watch.largest_loss.tolist() == [3, 1, 1, 1]


def test_a_sum_that_explodes_is_seen() -> None:
    """SGD at a rate near the end of float32: one step takes the weights beyond it."""
    levels: dict[str, Level] = {
        "task": SPIRAL_RELU,
        "optimiser": "SGD",
        "rate": 3e38,
        "loss": LIBRARY,
    }
    blocks = (Block(0, 1, 1), Block(1, 2, 1))
    for found in measure(blocks, Arm(tuple(levels.items()))):
        assert found["no_number"] == 1


def test_thirty_two_steps_are_bounded_by_the_rule_of_adam() -> None:
    """|step| <= rate * (1 - b1) / sqrt(1 - b2): section 2.1 of Kingma and Ba (2015)."""
    levels: dict[str, Level] = {
        "task": SPIRAL_RELU,
        "optimiser": "Adam",
        "rate": 0.01,
        "loss": LIBRARY,
    }
    (found,) = measure((Block(0, 1, 1),), Arm(tuple(levels.items())))
    start = 1 / math.sqrt(2)  # of the first layer's weights, at most
    assert found["largest_weight"] < start + 32 * 0.01 * 0.1 / math.sqrt(0.001)  # type: ignore[operator]
