"""What an update is held against, and whether weights that do not move are seen."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.amp.fp32_update import (
    ADAM,
    CANCER,
    DIGITS,
    EXPERIMENT,
    MIXED,
    PURE,
    SGD,
    TRANSFORMER_DIGITS,
    batches,
    compare,
    exact_update,
    make_optimiser,
    measure,
    prepare,
    steps_of,
    watched_step,
)

BLOCK = Block(0, 7, 8, effort=24)


def parameter(value: float, gradient: float, kind: torch.dtype) -> nn.Parameter:
    weight = nn.Parameter(torch.tensor([value], dtype=kind))
    weight.grad = torch.tensor([gradient], dtype=kind)
    return weight


@pytest.mark.parametrize("kind", [SGD, ADAM])
def test_the_update_by_hand_is_the_optimisers_in_float64(kind: str) -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimiser = make_optimiser(kind, [weight])
    for number in range(1, 5):
        gradient = torch.tensor([0.3 * number, -0.1], dtype=torch.float64)
        weight.grad = gradient
        expected = weight.detach() + exact_update(optimiser, weight, gradient)
        optimiser.step()
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("kind", "lr"), [(SGD, 0.01 * 0.5), (ADAM, 0.001)])
def test_optimisers_have_the_documents_rates(kind: str, lr: float) -> None:
    """Adam's first step is its rate, whatever the gradient."""
    weight = parameter(1.0, 0.5, torch.float64)
    make_optimiser(kind, [weight]).step()
    assert weight.item() == pytest.approx(1 - lr, abs=1e-9)


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
    update = watched_step(make_optimiser(SGD, [weight]))
    assert (update.stuck, update.unaccountable) == (float(stays), 0)
    if stays:
        assert update.error == 1, "a weight that stays misses all of its step"


def test_the_error_is_relative_to_the_length_of_the_exact_step() -> None:
    before, exact = [torch.zeros(2)], [torch.tensor([3.0, 4.0], dtype=torch.float64)]
    after = [torch.tensor([3.0, 3.5])]
    update = compare(before, exact, after, [torch.ones(2, dtype=torch.float64)])
    assert update.error == pytest.approx(0.1)


def test_a_weight_without_gradient_does_not_count() -> None:
    before = [torch.tensor([1.0]), torch.tensor([2.0])]
    after = [torch.tensor([1.0]), torch.tensor([1.0])]
    gradients = [torch.zeros(1).double(), torch.ones(1).double()]
    assert compare(before, [a.double() for a in after], after, gradients).stuck == 0


def test_a_weight_that_stays_where_rounding_would_move_it_is_seen() -> None:
    before = [torch.ones(2, dtype=torch.bfloat16)]
    exact = [torch.tensor([0.99, 0.999], dtype=torch.float64)]
    update = compare(before, exact, before, [torch.ones(2).double()])
    assert (update.stuck, update.unaccountable) == (1.0, 0.5)


def test_every_training_sees_the_same_batches_and_all_rows() -> None:
    steps = batches(100, 30, BLOCK)
    assert len(steps) == 30
    assert torch.equal(torch.cat(steps[:2]).sort().values, torch.arange(100))
    assert all(torch.equal(a, b) for a, b in zip(steps, batches(100, 30, BLOCK), strict=True))


def test_the_transformer_takes_a_quarter_of_the_steps_and_enough_to_watch() -> None:
    quick = Block(0, 1, 2, effort=EXPERIMENT.effort.quick)
    assert [steps_of(task, quick) for task in (DIGITS, CANCER)] == [quick.effort] * 2
    assert steps_of(TRANSFORMER_DIGITS, quick) == quick.effort // 4 >= 20


def test_a_training_in_bfloat16_reports_what_it_reached_in_float32() -> None:
    cell = prepare(BLOCK)
    arms = [
        Arm((("task", DIGITS), ("optimiser", ADAM), ("training", training)))
        for training in (MIXED, PURE)
    ]
    mixed, pure = (measure(cell, arm) for arm in arms)
    for found in (mixed, pure):
        assert 0 < float(str(found["progress"])) < 1
        assert 0 < float(str(found["accuracy"])) <= 1
    assert mixed["loss"] != pure["loss"]
