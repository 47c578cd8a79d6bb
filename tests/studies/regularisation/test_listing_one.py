"""What is read off listing 1's networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Block
from harness.workloads import Replicas
from harness.workloads.three_penalties import Trained
from studies.regularisation.listing_one import (
    LONG,
    NONE,
    SIZES,
    effective_share,
    errors_told,
    percent,
    prepare,
    weights_told,
)


def test_the_effective_share_is_one_of_equal_weights_and_one_nth_of_a_single_one() -> None:
    sizes = torch.tensor([[2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 5.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    assert effective_share(sizes) == pytest.approx([1.0, 0.25, 0.5])


def test_zeros_norms_and_sizes_are_those_of_each_replica_without_its_biases() -> None:
    layers = [torch.nn.Linear(1, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)]
    net = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for layer in layers:
            layer.weight.fill_(0.5)
            layer.bias.fill_(9.0)
        layers[0].weight[0], layers[1].weight[:2] = 5e-4, 0.0
    found = weights_told(Replicas([net, net]))
    assert found["zeros"] == pytest.approx([100 * 8 / 24] * 2)
    assert found["near_zero"] == pytest.approx([100 * 9 / 24] * 2)
    assert found["largest"] == pytest.approx([0.5] * 2)
    assert found["norm_middle"] == pytest.approx([np.sqrt(8) / 2] * 2)
    assert found["norm"] ** 2 == pytest.approx(
        found["norm_first"] ** 2 + found["norm_middle"] ** 2 + found["norm_last"] ** 2
    )
    below = dict(zip(SIZES[1:], found["below"][:, 0], strict=True))
    assert (below[1e-6], below[1e-3]) == pytest.approx((100 * 8 / 24, 100 * 9 / 24))


def test_a_network_that_says_nothing_has_the_variance_of_what_it_misses() -> None:
    nets = Replicas([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)])
    for parameter in nets.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.zeros(2, 80, 1)
    seen = torch.tensor([0.1, 0.2])[:, None, None].expand(2, 80, 1)
    noise = torch.zeros(2, 800, 1)
    found = errors_told(Trained(nets, torch.tensor([0.3, 0.4]), x, seen), noise)
    assert found["over_fit"] == pytest.approx([0.5 - 0.01, 0.5 - 0.04], abs=1e-3)
    assert found["error"] == pytest.approx([0.3, 0.4])


def test_the_long_training_goes_on_where_the_short_one_ends() -> None:
    programs = prepare([Block(0, 5, 9, effort=1), Block(1, 6, 9, effort=1)])
    short, long = (programs.trained[name] for name in (NONE, LONG))
    assert torch.equal(short.y, long.y)
    assert (long.errors < short.errors).all()
    assert percent(programs.fresh_noise[:, :, 0] == programs.fresh_noise[:1, :, 0])[1] < 1
