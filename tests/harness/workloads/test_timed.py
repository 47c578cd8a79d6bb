"""Work to be timed does what it says, and again each time it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.workloads.timed import forward_pass, tiny_operations, training_step


def test_sixty_operations_build_a_graph_of_sixty_nodes() -> None:
    output = tiny_operations("cpu")()
    nodes, node = 0, output.grad_fn
    while node is not None and "Mul" in node.name():
        nodes, node = nodes + 1, node.next_functions[0][0]
    assert nodes == 60
    torch.testing.assert_close(output.detach(), torch.full((16,), 1.01**60))


def test_a_pass_is_in_eval_mode_and_the_same_each_time() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    work = forward_pass(net, "cpu", 8, 4)
    assert not net.training
    assert work().shape == (8, 3)
    assert torch.equal(work(), work())


@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_step_moves_against_the_gradient_of_its_own_loss_alone(set_to_none: bool) -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    step = training_step(optimiser, lambda: weight.square().sum(), set_to_none=set_to_none)
    expected = 3.0
    for _ in range(3):
        step()
        expected -= 0.1 * 2 * expected
        assert weight.item() == pytest.approx(expected)


def test_only_the_forward_pass_is_in_the_context() -> None:
    inside, seen = [False], []

    @contextmanager
    def context() -> Iterator[None]:
        inside[0] = True
        yield
        inside[0] = False

    weight = nn.Parameter(torch.ones(2))
    weight.register_hook(lambda gradient: seen.append(("backward", inside[0])))

    def loss() -> torch.Tensor:
        seen.append(("forward", inside[0]))
        return functional.mse_loss(weight, torch.zeros(2))

    training_step(torch.optim.SGD([weight], lr=0.1), loss, cast=context())()
    assert seen == [("forward", True), ("backward", False)]
