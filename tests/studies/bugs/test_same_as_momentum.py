"""Training without zero_grad beside its twins, with an optimiser whose arithmetic is known."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.replicas import Replicas
from studies.bugs import same_as_momentum
from studies.bugs.same_as_momentum import (
    MOMENTUM,
    RESET,
    SUM,
    measure,
    new_optimiser,
    prepare_digits,
    replace_by_sums,
)
from tests.studies.bugs.plain_sgd import PlainSGD

BLOCKS = (Block(0, 1, 3, effort=20), Block(1, 2, 3, effort=20))


def arm(optimiser: str, twin: str, implementation: str = "for-loop") -> Arm:
    return Arm((("optimiser", optimiser), ("implementation", implementation), ("twin", twin)))


def apart(twin: str, monkeypatch: pytest.MonkeyPatch, *, fades: bool = False) -> list[float]:
    """Steps after which the twin of a hand-made optimiser has other weights."""

    def made(_: Arm, nets: Replicas, momentum: float = 0.0) -> PlainSGD:
        return PlainSGD(nets.parameters(), 0.01, momentum, fades=fades)

    monkeypatch.setattr(same_as_momentum, "new_optimiser", made)
    return [
        float(str(found["apart"])) for found in measure(prepare_digits(BLOCKS), arm("SGD", twin))
    ]


@pytest.mark.parametrize("twin", [SUM, MOMENTUM])
def test_a_sum_that_is_kept_is_one_added_up_apart(
    twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apart(twin, monkeypatch) == [0, 0]


@pytest.mark.parametrize("twin", [SUM, MOMENTUM])
def test_a_sum_that_fades_is_seen_from_the_second_step_on(
    twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apart(twin, monkeypatch, fades=True) == [19, 19]


def test_a_twin_that_sums_nothing_differs_from_the_second_step_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert apart(RESET, monkeypatch) == [19, 19]


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
