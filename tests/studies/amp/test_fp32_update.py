"""Whether weights of 16 bits move."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp.fp32_update import LR, MIXED, PURE, batches, measure, moves, prepare
from studies.amp.precision import FP32

BLOCK = Block(0, 7, 8, effort=30)


def parameter(value: float, gradient: float, kind: torch.dtype) -> torch.Tensor:
    weight = torch.tensor([value], dtype=kind, requires_grad=True)
    weight.grad = torch.tensor([gradient], dtype=kind)
    return weight


@pytest.mark.parametrize(
    ("kind", "gradient", "stays"),
    [
        (torch.float32, 0.1, False),  # a step of a thousandth
        (torch.bfloat16, 0.1, True),  # bfloat16 has no number between 1 and 1 - 1/256
        (torch.bfloat16, 1.0, False),  # a step of a hundredth
    ],
)
def test_a_bfloat16_weight_needs_a_larger_step(
    kind: torch.dtype, gradient: float, stays: bool
) -> None:
    weight = parameter(1.0, gradient, kind)
    before = weight.detach().clone()
    torch.optim.SGD([weight], lr=LR, foreach=True).step()
    assert moves([before], [weight]) == (float(stays), 0)


def test_a_weight_without_gradient_does_not_count() -> None:
    still, moved = parameter(1.0, 0.0, torch.float32), parameter(2.0, 1.0, torch.float32)
    assert moves([still.detach(), torch.tensor([1.0])], [still, moved]).stuck == 0


def test_a_weight_that_stays_where_rounding_would_move_it_is_seen() -> None:
    weights = [parameter(1.0, 1.0, torch.bfloat16), parameter(1.0, 0.1, torch.bfloat16)]
    assert moves([w.detach().clone() for w in weights], weights) == (1.0, 0.5)


def test_every_training_sees_the_same_batches_and_all_rows() -> None:
    steps = batches(100, BLOCK)
    assert len(steps) == BLOCK.effort
    assert torch.equal(torch.cat(steps[:2]).sort().values, torch.arange(100))
    assert all(torch.equal(a, b) for a, b in zip(steps, batches(100, BLOCK), strict=True))


def test_many_weights_are_stuck_without_float32_and_few_with_it() -> None:
    cell = prepare(BLOCK)
    stuck = {
        training: measure(cell, Arm((("data", "breast_cancer"), ("training", training))))["stuck"]
        for training in (FP32, MIXED, PURE)
    }
    assert stuck[PURE] > 0.3  # type: ignore[operator]  # a single number
    assert max(stuck[FP32], stuck[MIXED]) < 0.01  # type: ignore[operator,type-var]  # as above
