"""The program of listing 1 against plain loops, and side by side against one by one."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.workloads.three_penalties import (
    PENALTIES,
    RATE,
    at_seeds,
    listing,
    noisy_sine,
    overparameterised,
    report,
    train,
    weights_of,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_the_noise_is_the_first_that_a_seed_gives_and_the_weights_come_next() -> None:
    torch.manual_seed(5)
    noise, first = torch.randn(80, 1), torch.nn.Linear(1, 128).weight
    torch.manual_seed(5)
    _, y = noisy_sine()
    sine = np.sin(np.linspace(0, 2 * math.pi, 80))[:, None]
    assert np.allclose(((y - torch.tensor(sine).float()) / 0.3).numpy(), noise.numpy(), atol=1e-5)
    assert torch.equal(next(overparameterised().parameters()), first)


def test_the_squared_penalty_is_twice_its_strength_as_a_decay_of_weights_alone() -> None:
    torch.manual_seed(1)
    (x, y), net = noisy_sine(), overparameterised()
    other = copy.deepcopy(net)
    train(net, x, y, PENALTIES["L2"], 20)
    groups: list[dict[str, Any]] = [
        {
            "params": [p for n, p in other.named_parameters() if n.endswith("weight")],
            "weight_decay": 2e-3,
        },
        {"params": [p for n, p in other.named_parameters() if n.endswith("bias")]},
    ]
    optimiser = torch.optim.Adam(groups, lr=RATE)
    for _ in range(20):
        optimiser.zero_grad()
        functional.mse_loss(other(x), y).backward()
        optimiser.step()
    for one, two in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-4)


def test_the_absolute_penalty_adds_a_constant_gradient_by_sign() -> None:
    torch.manual_seed(2)
    net, penalty = overparameterised(), PENALTIES["L1"]
    assert penalty is not None
    weight = weights_of(net)[1].clone().requires_grad_()
    (penalty.strength * penalty.of(weight).sum()).backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 1e-4 * weight.detach().sign())


def test_the_error_is_that_before_the_last_update_and_without_the_penalty() -> None:
    torch.manual_seed(3)
    (x, y), net = noisy_sine(), overparameterised()
    before = functional.mse_loss(net(x), y).item()
    assert train(net, x, y, PENALTIES["L1"], 1) == before


def test_weights_are_counted_without_biases_and_small_ones_below_a_thousandth() -> None:
    net = overparameterised()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(1.0)
        weights_of(net)[1][0, :5] = torch.tensor([0.0, 9e-4, -9e-4, 2e-3, -2e-3])
    found = report("any", weights_of(net), 0.5)
    assert found["weights counted"] == 1 * 128 + 128 * 128 + 128 * 1
    assert found["any: near zero"] == 3


def test_side_by_side_the_seeds_get_what_they_get_one_by_one() -> None:
    seeds = [11, 12, 13]
    for seed, found in zip(seeds, at_seeds(seeds, epochs=15), strict=True):
        alone = listing(seed, epochs=15)
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            assert found[name] == pytest.approx(value, rel=0.02, abs=3), name
            if name.endswith("MSE"):
                assert found[name] == pytest.approx(value, rel=1e-4)
