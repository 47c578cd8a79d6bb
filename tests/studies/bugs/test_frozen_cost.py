"""What the timed steps do; no clock is read."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.bugs import frozen_cost
from studies.bugs.freezing import Zeroing, training_step
from studies.bugs.frozen_cost import FRESH, NOT_FROZEN, STALE, prepare, task

Seen = tuple[nn.Sequential, torch.optim.Optimizer]
Batch = tuple[torch.Tensor, torch.Tensor]


def after_a_step(monkeypatch: pytest.MonkeyPatch, built: str, zeroed: str) -> Seen:
    seen: list[Seen] = []

    def step(
        net: nn.Sequential, optimiser: torch.optim.Optimizer, batch: Batch, zeroing: Zeroing
    ) -> None:
        seen.append((net, optimiser))
        training_step(net, optimiser, batch, zeroing)

    monkeypatch.setattr(frozen_cost, "training_step", step)
    levels = {"built": built, "zeroed": zeroed, "work": "Adam, small perceptron"}
    task(prepare(Block(0, 1, 2)), Arm(tuple(levels.items())))()
    return seen[-1]


def known(optimiser: torch.optim.Optimizer) -> int:
    return sum(len(group["params"]) for group in optimiser.param_groups)


def test_a_stale_optimiser_knows_frozen_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    net, optimiser = after_a_step(monkeypatch, STALE, "to None")
    assert known(optimiser) == 6
    assert not any(p.requires_grad for p in net[:-1].parameters())
    assert all(p.requires_grad for p in net[-1].parameters())


def test_told_to_leave_zeros_it_has_gone_on_until_the_moments_died_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, optimiser = after_a_step(monkeypatch, STALE, "to zeros")
    smallest_normal = torch.finfo(torch.float32).tiny
    for parameter in net[:-1].parameters():
        assert parameter.grad is not None
        assert not parameter.grad.any()
        assert optimiser.state[parameter]["exp_avg"].abs().max() < smallest_normal


def test_a_fresh_optimiser_has_the_last_layer_and_nothing_else_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, optimiser = after_a_step(monkeypatch, FRESH, "to None")
    assert known(optimiser) == 2
    assert not any(p.requires_grad for p in net[:-1].parameters())


def test_for_comparison_nothing_is_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    net, _ = after_a_step(monkeypatch, NOT_FROZEN, "to None")
    assert all(p.requires_grad and p.grad is not None for p in net.parameters())
