"""Workers in one network: masks worker by worker, gradients averaged, moments of gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.workloads.replicas import Replicas
from harness.workloads.tasks import Part
from studies.dropout.averaged_gradient import Moments, moments, relative_distance
from studies.dropout.shards import OWN, SHARED, dropout_of_workers, in_bfloat16


def test_workers_share_masks_row_by_row_or_have_their_own() -> None:
    torch.manual_seed(0)
    x = torch.ones(16, 50)
    shared = dropout_of_workers(0.5, SHARED).train()(x).view(4, 4, 50)
    assert all(torch.equal(worker, shared[0]) for worker in shared)
    assert not torch.equal(shared[0][0], shared[0][1])
    own = dropout_of_workers(0.5, OWN).train()(x).view(4, 4, 50)
    assert not torch.equal(own[0], own[1])
    assert set(own.flatten().tolist()) == {0.0, 2.0}


def test_the_mean_loss_of_the_batch_has_the_gradient_that_workers_average() -> None:
    torch.manual_seed(1)
    net, x, y = nn.Linear(5, 3), torch.randn(8, 5), torch.randint(3, (8,))
    nn.functional.cross_entropy(net(x), y).backward()
    assert net.weight.grad is not None
    whole = net.weight.grad.clone()
    shares = []
    for rows in torch.arange(8).split(2):
        net.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        shares.append(net.weight.grad.clone())
    torch.testing.assert_close(torch.stack(shares).mean(dim=0), whole)


def test_mixed_precision_rounds_in_training_alone() -> None:
    torch.manual_seed(2)
    linear, x = nn.Linear(64, 8), torch.randn(16, 64)
    mixed = in_bfloat16(linear)
    assert mixed.train()(x).dtype == torch.float32
    assert not torch.equal(mixed(x), linear(x))
    assert torch.equal(mixed.eval()(x), linear(x))


def test_gradients_without_masks_do_not_vary() -> None:
    torch.manual_seed(3)
    nets = Replicas([nn.Sequential(nn.Linear(4, 3)) for _ in range(2)])
    batch = Part(torch.randn(2, 6, 4), torch.randint(3, (2, 6)))
    found = moments(nets, batch, 4)
    assert found.variance.tolist() == pytest.approx([0.0, 0.0], abs=1e-9)
    assert torch.equal(*found.halves)


def test_the_distance_of_two_means_is_in_the_length_of_the_first() -> None:
    one = Moments((torch.tensor([[2.0, 0.0]]),) * 2, torch.ones(1))
    other = Moments((torch.tensor([[2.0, 0.5]]),) * 2, torch.ones(1))
    assert relative_distance(one, other).tolist() == pytest.approx([0.25])
    assert relative_distance(one, one).tolist() == [0.0]
