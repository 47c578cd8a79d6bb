"""Gradients against finite differences, and parameters that are used, where the answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm
from studies.step_anatomy.graph import (
    ADDED_UP,
    CROSS_ENTROPY,
    SEPARATE,
    SQUARES,
    Rows,
    has_gradient,
    loss_of,
    slope_off,
    used,
)
from studies.step_anatomy.networks import Network, with_strays


def rows() -> Rows:
    torch.manual_seed(0)
    return Rows(torch.randn(6, 4, dtype=torch.float64), torch.arange(6) % 3, 1)


def arm(loss: str) -> Arm:
    return Arm((("net", "planted"), ("loss", loss)))


def test_a_gradient_by_hand_agrees_with_finite_differences_and_a_wrong_one_does_not() -> None:
    cell, layer = rows(), nn.Linear(4, 10).double()
    shares = functional.softmax(layer(cell.x), -1) - functional.one_hot(cell.y, 10)
    by_hand = (shares.T @ cell.x / 6).detach()
    layer.weight.grad = by_hand
    assert slope_off(Network(layer, layer), cell, arm(CROSS_ENTROPY), layer.weight) < 1e-9
    layer.weight.grad = 1.01 * by_hand
    assert slope_off(Network(layer, layer), cell, arm(CROSS_ENTROPY), layer.weight) > 1e-5
    layer.weight.grad = None
    assert slope_off(Network(layer, layer), cell, arm(CROSS_ENTROPY), layer.weight) == float("inf")


def test_looking_for_what_is_used_finds_it_and_leaves_the_weights_as_they_were() -> None:
    net = with_strays()
    net.layers.double()
    before = [p.detach().clone() for p in net.layers.parameters()]
    found = used(net, torch.randn(5, 64, dtype=torch.float64))
    first_and_head = list(net.layers.parameters())[:4]
    assert [id(p) for p in found] == [id(p) for p in first_and_head]
    after = net.layers.parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_losses_are_those_of_their_names() -> None:
    outputs, y = torch.randn(6, 10, dtype=torch.float64), torch.arange(6)
    single = torch.logsumexp(outputs, 1) - outputs[torch.arange(6), y]
    assert torch.allclose(loss_of(CROSS_ENTROPY, outputs, y), single.mean())
    assert torch.allclose(loss_of(ADDED_UP, outputs, y), single.sum())
    assert torch.allclose(loss_of(SEPARATE, outputs, y), single)
    squares = (outputs - functional.one_hot(y, 10)).square().mean()
    assert torch.allclose(loss_of(SQUARES, outputs, y), squares)


@pytest.mark.parametrize(("shape", "there"), [((2, 3), True), ((3, 2), False), (None, False)])
def test_a_gradient_has_to_have_the_shape_of_its_parameter(
    shape: tuple[int, int] | None, there: bool
) -> None:
    class Parameter:
        def __init__(self) -> None:
            self.shape = (2, 3)
            self.grad = None if shape is None else torch.zeros(shape)

    assert has_gradient(Parameter()) is there  # type: ignore[arg-type]
