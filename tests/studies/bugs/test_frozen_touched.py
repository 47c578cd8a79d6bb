"""Counting the numbers that an optimiser's step touches."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.frozen_touched import (
    CLASSES,
    FEATURES,
    FRESH,
    HIDDEN,
    STALE,
    Count,
    count_in_step,
    given_numbers,
    measure,
    prepare,
)


def test_the_numbers_of_every_operation_are_counted_as_often_as_it_is_given_them() -> None:
    count, x = Count(), torch.ones(3, 4)
    with given_numbers(count):
        y = x * 2  # 12
        y.add_(x)  # 12 and 12
        torch._foreach_mul_([x, y], 0.5)  # 12 and 12
    x.sum()
    assert count.numbers == 5 * 12


def test_only_the_step_counts_and_the_optimiser_is_left_as_it_was() -> None:
    parameter = torch.nn.Parameter(torch.ones(10))
    optimiser = torch.optim.SGD([parameter], lr=0.1, foreach=False)
    step = optimiser.step

    def run() -> None:
        parameter.grad = torch.ones(10) * 3
        optimiser.step()

    assert count_in_step(optimiser, run) == 20, "the parameter and its gradient"
    assert optimiser.step == step


def measured(built: str, zeroed: str, optimiser: str) -> dict[str, object]:
    levels = {"built": built, "zeroed": zeroed, "optimiser": optimiser}
    return dict(measure(prepare(Block(0, 1, 2)), Arm(tuple(levels.items()))))


@pytest.mark.parametrize("optimiser", ["SGD", "Adam"])
def test_frozen_layers_that_have_gradients_are_seen(optimiser: str) -> None:
    """Zeros for gradients are a planted waste: the work grows with the numbers."""
    numbers = {
        "frozen": HIDDEN * (FEATURES + 1) + HIDDEN * (HIDDEN + 1),
        "trained": CLASSES * (HIDDEN + 1),
    }
    stale, fresh = (measured(built, "to zeros", optimiser) for built in (STALE, FRESH))
    ratio = float(str(stale["touched"])) / float(str(fresh["touched"]))
    assert ratio == pytest.approx(1 + numbers["frozen"] / numbers["trained"], rel=0.01)


def test_the_state_is_that_of_the_parameters_the_optimiser_knows() -> None:
    stale, fresh = (float(str(measured(b, "to zeros", "Adam")["state"])) for b in (STALE, FRESH))
    moments = 2 * 4 * (HIDDEN * (FEATURES + 1) + HIDDEN * (HIDDEN + 1)) / 2**10
    assert stale - fresh == pytest.approx(moments, abs=0.1), "but for counts of steps"
