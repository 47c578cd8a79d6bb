"""The ways to reset gradients, and where."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from harness.workloads.replicas import Replicas
from studies.bugs.freezing import OPTIMISERS, Zeroing, freeze, trainable, training_step


def network() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net(torch.ones(1, 2)).sum().backward()
    for parameter in net[0].parameters():
        parameter.requires_grad = False
    return net


@pytest.mark.parametrize(
    ("how", "frozen", "other"),
    [("zeros", 0, 0), ("trainable", 1, None), ("never", 1, 1)],
)
def test_what_is_left_in_the_gradients(how: str, frozen: int | None, other: int | None) -> None:
    net = network()
    zeroing = Zeroing(how)  # type: ignore[arg-type]  # the parameters are its literals
    zeroing.reset(net, torch.optim.SGD(net.parameters(), lr=0.1))
    for layer, expected in ((net[0], frozen), (net[1], other)):
        gradient = next(layer.parameters()).grad
        assert (gradient is None) == (expected is None)
        assert gradient is None or bool(gradient.any()) == bool(expected)


def test_the_default_is_zero_grad_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    net, calls = network(), []
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    monkeypatch.setattr(
        optimiser, "zero_grad", lambda *args, **kwargs: calls.append((args, kwargs))
    )
    Zeroing("None").reset(net, optimiser)
    assert calls == [((), {})]


def test_gradients_are_reset_where_it_is_said() -> None:
    batch = torch.ones(1, 2), torch.zeros(1, dtype=torch.long)
    for where, left in (("before backward", True), ("after the step", False)):
        net = network()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        zeroing = Zeroing("trainable", where)  # type: ignore[arg-type]  # its literals
        training_step(net, optimiser, batch, zeroing)
        assert (next(net[1].parameters()).grad is not None) == left


def test_what_is_not_frozen_is_trainable() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    assert [id(p) for p in freeze(net[0].parameters())] == [id(p) for p in net[0].parameters()]
    assert [id(p) for p in trainable(net)] == [id(p) for p in net[2].parameters()]


def test_networks_trained_together_take_the_steps_that_each_takes_alone() -> None:
    torch.manual_seed(0)
    alone = [nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(2)]
    together = Replicas(copy.deepcopy(alone))
    x, y = torch.randn(2, 5, 3), torch.randint(2, (2, 5))
    zeroing = Zeroing("None")
    training_step(together, OPTIMISERS["AdamW"](together.parameters()), (x, y), zeroing)
    for net, batch, after in zip(alone, zip(x, y, strict=True), together.unstack(), strict=True):
        training_step(net, OPTIMISERS["AdamW"](net.parameters()), batch, zeroing)
        for one, other in zip(net.parameters(), after.parameters(), strict=True):
            torch.testing.assert_close(one, other)
