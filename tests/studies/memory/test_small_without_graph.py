"""A pass forward of small networks with and without a graph, by the allocator."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.memory import small_without_graph
from studies.memory.workloads import MLP, MLP_WIDTH, network

ROWS = 64


class Copies(nn.Module):
    """Makes copies of its input, holds them all or one at a time, and reads ten classes out."""

    def __init__(self, *, hold: bool) -> None:
        super().__init__()
        self.hold, self.weight = hold, nn.Parameter(torch.ones(1000))

    def forward(self, x: Tensor) -> Tensor:
        held, copy = [], x
        for _ in range(6):
            copy = x.clone()
            if self.hold:
                held.append(copy)
        return copy[:, :10]


def measured(net: nn.Module, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(small_without_graph, "network", lambda name, depth: net)
    levels = (("net", MLP), ("depth", 4), ("batch", ROWS), ("grad", "no_grad"))
    return dict(small_without_graph.measure(Block(0, 1, 2), Arm(levels)))


@pytest.mark.parametrize(("hold", "copies"), [(True, 6), (False, 2)])
def test_what_a_pass_holds_at_one_time_is_counted_in_outputs_of_a_layer(
    hold: bool, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(Copies(hold=hold), monkeypatch)
    assert found["beyond"] == pytest.approx(copies, abs=0.1)  # and the losses
    there = 4 * (1000 + ROWS * MLP_WIDTH) + 8 * ROWS
    assert found["there"] == pytest.approx(there / 1e6)
    grown = copies * 4 * ROWS * MLP_WIDTH
    assert found["peak"] == pytest.approx((there + grown) / 1e6, rel=0.02)
    assert found["over_inputs"] == pytest.approx((there + grown) / there, rel=0.02)


def test_weights_and_batch_are_those_of_a_calculation_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = 4 * 4 * (MLP_WIDTH**2 + MLP_WIDTH) + 4 * (10 * MLP_WIDTH + 10)
    batch = ROWS * (4 * MLP_WIDTH + 8)
    assert measured(network(MLP, 4), monkeypatch)["there"] == pytest.approx((weights + batch) / 1e6)
