"""Pushes of the decay, with planted powers and with optimisers whose push is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Block
from studies.regularisation.nets import Rows
from studies.regularisation.pushes import (
    RATES,
    DataStep,
    Watched,
    dependence,
    in_groups,
    power,
    prepare,
    train,
)


@pytest.fixture(scope="module")
def course() -> Rows:
    torch.set_num_threads(1)
    return prepare([Block(number, 30 + number, 9, effort=8) for number in range(2)])


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5])
def test_a_planted_power_is_found_in_spite_of_weights_that_do_not_learn(exponent: float) -> None:
    rng = np.random.default_rng(1)
    gradient = np.exp(rng.normal(0, 2, (2, 1000)))
    size = np.exp(rng.normal(0, 1, (2, 1000)))
    push = size * gradient**exponent
    gradient[:, ::7] = 0.0
    found = dependence(Watched(size, gradient, push))
    assert found["at_ten_times"] == pytest.approx([10**exponent] * 2, rel=0.05)
    assert found["share"].shape == (10, 2)


def test_groups_are_tenths_in_rising_order_with_their_medians() -> None:
    by = np.random.default_rng(2).permutation(np.arange(100.0))
    x, y = in_groups(by, by**2)
    assert x.tolist() == [4.5 + 10 * number for number in range(10)]
    assert y[0] == pytest.approx((4.0**2 + 5.0**2) / 2)
    assert power(x + 1, 7 * (x + 1) ** 3) == pytest.approx(3.0)


def test_a_step_by_hand_is_that_of_torch_where_nothing_decays() -> None:
    torch.manual_seed(1)
    w = torch.randn(5, dtype=torch.float64, requires_grad=True)
    optimiser, by_hand = torch.optim.Adam([w], lr=RATES["Adam"]), DataStep("Adam", [w.detach()])
    for _ in range(6):
        before = w.detach().clone()
        w.grad = torch.randn(5, dtype=torch.float64)
        optimiser.step()
        by_hand.see([w.grad])
        (way,) = by_hand.ways([w.grad], [optimiser.state[w]["exp_avg_sq"]])
        assert torch.allclose(w.detach() - before, way, atol=1e-15)


@pytest.mark.parametrize("optimiser", ["SGD", "AdamW"])
def test_where_decay_stands_apart_the_push_is_rate_times_decay_times_weight(
    course: Rows, optimiser: str
) -> None:
    watched = train(course, "breast cancer", optimiser, 0.01)
    assert watched.push == pytest.approx(RATES[optimiser] * 0.01 * watched.size, rel=1e-6)


def test_nothing_pushes_where_nothing_decays(course: Rows) -> None:
    assert train(course, "breast cancer", "Adam", 0.0).push.max() < 1e-15
