"""Training without zero_grad beside its twins."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.replicas import Replicas
from studies.bugs.same_as_momentum import (
    MOMENTUM,
    RESET,
    SUM,
    measure,
    new_optimiser,
    replace_by_sums,
)

BLOCKS = (Block(0, 1, 3, effort=20), Block(1, 2, 3, effort=20))


def arm(optimiser: str, twin: str, implementation: str = "for-loop") -> Arm:
    return Arm((("optimiser", optimiser), ("implementation", implementation), ("twin", twin)))


def apart(chosen: Arm) -> list[float]:
    return [float(str(found["apart"])) for found in measure(BLOCKS, chosen)]


@pytest.mark.parametrize("implementation", ["for-loop", "foreach", "fused"])
def test_sgd_without_zero_grad_is_momentum_1(implementation: str) -> None:
    assert apart(arm("SGD", MOMENTUM, implementation)) == [0, 0]


def test_adam_without_zero_grad_is_adam_given_the_running_sum() -> None:
    assert apart(arm("Adam", SUM)) == [0, 0]
    assert apart(arm("Adam", RESET)) == [19, 19]  # the first step is the same


def test_weight_decay_is_not_accumulated() -> None:
    """The first step is the same; from the second on momentum 1 remembers the decay too."""
    assert apart(arm("SGD, weight decay", MOMENTUM)) == [19, 19]


@pytest.mark.parametrize("implementation", ["for-loop", "foreach", "fused"])
def test_the_optimiser_is_made_in_the_form_asked_for(implementation: str) -> None:
    made = new_optimiser(arm("AdamW", SUM, implementation), Replicas([torch.nn.Linear(2, 1)]))
    (group,) = made.param_groups
    assert bool(group["foreach"]) == (implementation == "foreach")
    assert bool(group["fused"]) == (implementation == "fused")


def test_sums_replace_the_gradients() -> None:
    nets = Replicas([torch.nn.Linear(1, 1, bias=False)])
    (weight,) = nets.parameters()
    sums: list[torch.Tensor] = []
    for gradient, total in ((2.0, 2.0), (3.0, 5.0), (-1.0, 4.0)):
        weight.grad = torch.full_like(weight, gradient)
        sums = replace_by_sums(nets, sums)
        assert weight.grad.item() == total
