"""What accumulates in .grad, and that a comparison with something else would fail."""

from __future__ import annotations

import torch

from harness.design.factors import Arm, Block
from studies.bugs import gradients
from studies.bugs.gradients import STEPS, accumulated, doubled, measure, network, prepare


def arm(net: str, precision: str = "float64") -> Arm:
    return Arm((("net", net), ("precision", precision)))


def test_a_sum_that_lacks_the_first_gradient_agrees_in_no_step() -> None:
    assert measure(prepare(Block(0, 1, 2)), arm("one layer used twice"))["wrong_sum"] == 0


def test_the_distance_is_that_of_rounding_each_sum() -> None:
    """A hundred roundings of a bfloat16, with 8 bits, and of a double, with 53."""
    cell = prepare(Block(0, 1, 2))
    low = float(str(measure(cell, arm("perceptron", "bfloat16"))["distance"]))
    assert 2**-9 < low < 100 * 2**-8
    assert float(str(measure(cell, arm("perceptron"))["distance"])) < 100 * 2**-53


def test_gradients_that_are_replaced_are_not_doubled() -> None:
    """A planted hook shrinks what has been accumulated."""

    def shrink(parameter: torch.Tensor) -> None:
        assert parameter.grad is not None
        parameter.grad /= 1.5

    cell = prepare(Block(0, 1, 2))
    net = network(cell, arm("linear", "float32"))
    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(shrink)
    assert doubled(net, cell) == 0
    assert accumulated(net, cell)["running_sum"] < 1


def test_batches_are_the_same_at_each_call() -> None:
    cell = prepare(Block(0, 1, 2))
    one, other = list(gradients.batches(cell)), list(gradients.batches(cell))
    assert len(one) == STEPS
    assert all(torch.equal(a[0], b[0]) for a, b in zip(one, other, strict=True))
