"""Gradients that are erased before the step, with an optimiser whose arithmetic is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.workloads import Replicas
from studies.bugs.same_as_momentum import prepare_digits
from studies.step_anatomy.erased import (
    AFTER_STEP,
    BEFORE_STEP,
    NONE,
    SETTINGS,
    ZEROS,
    gradients_left,
    measure,
)
from tests.studies.bugs.plain_sgd import PlainSGD

BLOCKS = (Block(0, 1, 3, effort=3), Block(1, 2, 3, effort=3))


class Careful(PlainSGD):
    """The plain optimiser, which skips what has no gradient, as torch's own do."""

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        if all(p.grad is not None for group in self.param_groups for p in group["params"]):
            super().step(closure)


def found(
    monkeypatch: pytest.MonkeyPatch, *, zeroed: str, to: str, earlier: int, momentum: float = 0.0
) -> list[tuple[float, float]]:
    def make(parameters: object) -> torch.optim.Optimizer:
        optimiser = Careful(parameters, lr=0.1, momentum=momentum)  # type: ignore[arg-type]
        optimiser.param_groups[0]["lr"] = 0.1
        return optimiser

    monkeypatch.setitem(SETTINGS, "plain", make)
    arm = Arm((("zeroed", zeroed), ("optimiser", "plain"), ("to", to), ("earlier", earlier)))
    blocks = measure(prepare_digits(BLOCKS), arm)
    return [(float(str(b["left"])), float(str(b["moved"]))) for b in blocks]


def test_without_a_gradient_plain_sgd_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for to in (NONE, ZEROS):
        for left, moved in found(monkeypatch, zeroed=BEFORE_STEP, to=to, earlier=0):
            assert (left, moved) == (0, 0)


def test_with_zeroing_after_the_step_gradients_are_found_and_move_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for left, moved in found(monkeypatch, zeroed=AFTER_STEP, to=NONE, earlier=0):
        assert left > 1000
        assert moved > 0


def test_momentum_of_earlier_steps_goes_on_where_zeros_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for left, moved in found(monkeypatch, zeroed=BEFORE_STEP, to=ZEROS, earlier=10, momentum=0.5):
        assert left == 0
        assert moved > 0


def test_numbers_other_than_zero_are_counted_for_each_replica() -> None:
    nets = Replicas([nn.Linear(3, 2), nn.Linear(3, 2)])
    assert gradients_left(nets).tolist() == [0, 0]
    weight, bias = nets.parameters()
    weight.grad, bias.grad = torch.zeros(2, 2, 3), torch.zeros(2, 2)
    weight.grad[0, 0, :2] = 1.0
    bias.grad[1] = -1.0
    assert gradients_left(nets).tolist() == [2, 2]
