"""What a step with autocast keeps in which type."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.amp import kept_types
from studies.amp.kept_types import (
    ROUNDING,
    first_adam_step,
    largest_gap,
    measure,
    share,
    watched,
)
from studies.amp.models import CLASSES, MLP, PIXELS, digit_net
from studies.amp.precision import FP32

BLOCK = Block(0, 1, 2)


def arm(net: str, precision: str) -> Arm:
    return Arm((("net", net), ("precision", precision)))


def planted(monkeypatch: pytest.MonkeyPatch, factor: torch.dtype) -> None:
    """A network that multiplies in a type of its own and adds in float32; no autocast is needed."""

    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((PIXELS, CLASSES), 0.01))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x.to(factor) @ self.weight.to(factor)).float() + 1

    monkeypatch.setattr(kept_types, "digit_net", lambda *_: Planted())


@pytest.mark.parametrize(("factor", "lowered"), [(torch.bfloat16, 1), (torch.float32, 0)])
def test_products_in_16_bits_among_sums_in_32_are_seen(
    factor: torch.dtype, lowered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch, factor)
    found = measure(BLOCK, arm(MLP, FP32))
    assert found["products_in_16_bits"] == found["both_types"] == lowered
    assert found["float32_weights"] == found["float32_gradients"] == found["float32_state"] == 1
    assert (float(str(found["share_in_16_bits"])) > 0) == bool(lowered)


def test_weights_of_16_bits_and_their_update_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_types, "digit_net", lambda *given: digit_net(*given).bfloat16())
    inputs = torch.randn
    monkeypatch.setattr(torch, "randn", lambda *shape, **kind: inputs(*shape, **kind).bfloat16())
    found = measure(BLOCK, arm(MLP, FP32))
    assert found["float32_weights"] == found["float32_gradients"] == found["float32_state"] == 0
    assert float(str(found["update_gap"])) > ROUNDING


def test_without_autocast_nothing_runs_in_16_bits() -> None:
    found = measure(BLOCK, arm(MLP, FP32))
    assert found["products_in_16_bits"] == found["share_in_16_bits"] == found["both_types"] == 0


def test_the_step_by_hand_is_adams() -> None:
    net = nn.Linear(3, 2).double()
    before = [p.detach().clone() for p in net.parameters()]
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    net(torch.randn(5, 3).double()).square().sum().backward()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    optimiser.step()
    assert largest_gap(first_adam_step(before, gradients), list(net.parameters())) < 1e-14


def test_the_watch_tells_arguments_of_products_from_other_results() -> None:
    a, b = torch.ones(2, 3), torch.ones(3, 4)
    with watched() as seen:
        ((a @ b).bfloat16() + 1).sum()
    assert [t.shape for t in seen.products] == [(2, 3), (3, 4)]
    assert [t.dtype.itemsize for t in seen.results] == [4, 2, 2]


def test_shares_count_numbers_not_tensors() -> None:
    assert share([torch.ones(9), torch.ones(1).bfloat16()], 4) == 0.9


def test_a_gap_is_relative_to_the_largest_weight() -> None:
    assert largest_gap([torch.tensor([4.0, 1.0])], [torch.tensor([4.0, 2.0])]) == 0.25
