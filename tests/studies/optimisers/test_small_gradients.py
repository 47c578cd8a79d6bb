"""Quarters of the parameters by their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.replicas import Replicas
from harness.workloads.tasks import SPIRAL_RELU, make_task
from studies.optimisers.descent import Recipe, first_steps
from studies.optimisers.small_gradients import _weights, flat, gradients, measure, quarters


def test_quarters_are_by_the_gradients_before_and_leave_dead_parameters_out() -> None:
    known = np.array([[8.0, 1.0, 0.0, 2.0, 7.0, 3.0, 4.0, 5.0, 6.0]])
    moved, turned = 10 * known, np.ones_like(known)
    moved[0, 2] = turned[0, 2] = 1e9  # of the dead one
    steps, slopes = quarters(known, moved, turned)
    assert steps.tolist() == [[15, 35, 55, 75]]
    assert slopes.tolist() == [[1, 1, 1, 1]]


def test_parameters_stand_in_the_order_of_their_gradients() -> None:
    task = make_task(SPIRAL_RELU, (Block(0, 1, 1), Block(1, 2, 1)))
    assert torch.equal(
        flat(_weights(task.networks)), flat(list(Replicas(task.networks).parameters()))
    )
    (step,) = first_steps(task, Recipe("SGD", 0.5), 1)
    moved = flat(list(step.nets.parameters())) - flat(_weights(task.networks))
    torch.testing.assert_close(moved, -0.5 * gradients(step.nets), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("optimiser", ["SGD", "Adam"])
def test_nine_epochs_and_four_quarters_are_told(optimiser: str) -> None:
    (found,) = measure((Block(0, 1, 1),), Arm((("task", SPIRAL_RELU), ("optimiser", optimiser))))
    gradient, step = np.array(found["gradient"]), np.array(found["step"])
    assert np.array(found["per_gradient"]).shape == (9,)
    assert gradient[0] < gradient[3]
    if optimiser == "SGD":
        assert step == pytest.approx(0.01 * gradient)
        assert found["absolute"] == pytest.approx(gradient[0] / gradient[3], rel=0.5)
