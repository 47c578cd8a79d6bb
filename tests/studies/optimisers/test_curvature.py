"""The largest eigenvalue of a Hessian."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from harness.design.factors import Block
from harness.workloads.replicas import Replicas
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, TrainingTask, make_task
from studies.optimisers.curvature import Weights, _lanczos, top_eigenvalues, weights_of
from studies.optimisers.descent import Recipe, first_steps

BLOCKS = (Block(0, 40, 1), Block(1, 41, 1))


def whole_hessian(task: TrainingTask, weights: Weights, place: int) -> NDArray[np.float64]:
    """Of one replica, entry by entry."""
    net = copy.deepcopy(task.networks[place]).double()
    own = {name: w[place].double() for name, w in weights.items()}
    x, y = task.train.x[place].double(), task.train.y[place]

    def loss(vector: torch.Tensor) -> torch.Tensor:
        parts = vector.split([w.numel() for w in own.values()])
        named = {name: p.view_as(w) for (name, w), p in zip(own.items(), parts, strict=True)}
        return functional.cross_entropy(torch.func.functional_call(net, named, (x,)), y)

    flat = torch.cat([w.flatten() for w in own.values()])
    return np.asarray(torch.func.hessian(loss)(flat).numpy(), np.float64)


@pytest.mark.parametrize(("name", "steps"), [(SPIRAL_RELU, 40), (SPIRAL_TANH, 200)])
def test_it_is_that_of_the_whole_hessian(name: str, steps: int) -> None:
    task = make_task(name, BLOCKS)
    *_, last = first_steps(task, Recipe("Adam", 0.01), steps)
    weights = weights_of(last.nets)
    expected = [np.linalg.eigvalsh(whole_hessian(task, weights, place))[-1] for place in (0, 1)]
    assert top_eigenvalues(task, weights) == pytest.approx(expected, rel=1e-6)


def test_the_largest_is_not_the_one_of_largest_size() -> None:
    """Of diagonal matrices, one of them with less room than there are products."""
    diagonals = torch.tensor([[-9.0, 1.0, 3.0, 0.0], [-1.0, -2.0, -3.0, -1.5]]).double()
    found = _lanczos(lambda v: diagonals * v, diagonals, products=10)
    assert found == pytest.approx([3.0, -1.0])


def test_weights_are_copies() -> None:
    task = make_task(SPIRAL_RELU, BLOCKS)
    nets = Replicas(task.networks)
    kept = weights_of(nets)
    for parameter in nets.parameters():
        parameter.data.zero_()
    assert all(w.abs().sum() > 0 for w in kept.values())
