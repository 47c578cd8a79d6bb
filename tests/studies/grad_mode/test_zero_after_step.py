"""Where gradients are zeroed in a training loop."""

from __future__ import annotations

import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.zero_after_step import EPOCHS, Cell, measure, prepare, trained


def arm(zero: str, start: str = "no gradients", optimiser: str = "SGD") -> Arm:
    return Arm((("zero", zero), ("start", start), ("optimiser", optimiser)))


def test_the_loop_is_gradient_descent_by_hand() -> None:
    """One linear layer, whose gradient of cross-entropy is written out."""
    torch.manual_seed(0)
    cell = prepare(Block(0, 1, 2))
    layer = torch.nn.Linear(64, 10, bias=False)
    net = trained(Cell(layer, cell.data, cell.seed), arm("after the step"))
    (weight,) = net.parameters()
    torch.manual_seed(cell.seed)
    expected = layer.weight.detach().clone()
    x, y = cell.data.train_x, torch.nn.functional.one_hot(cell.data.train_y, 10).float()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(64):
            error = torch.softmax(x[rows] @ expected.T, 1) - y[rows]
            expected -= 0.1 * error.T @ x[rows] / len(rows)
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-5)


def test_leftover_gradients_tell_the_two_orders_apart() -> None:
    cell = prepare(Block(0, 1, 2))
    assert measure(cell, arm("after the step"))["apart"] == 0
    assert float(str(measure(cell, arm("after the step", "left-over gradients"))["apart"])) > 0
