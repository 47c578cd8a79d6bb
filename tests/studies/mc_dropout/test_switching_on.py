"""Switching on: a single row is refused where it should be, and copies keep what is shared."""

from __future__ import annotations

import torch

from harness import Block
from harness.workloads import Replicas
from studies.mc_dropout.levels import ALONE, NORM_CNN, NORM_MLP, PLAIN_MLP, TRAIN
from studies.mc_dropout.switching_on import Shared, build, hits, mean_of, switched, takes_one

BLOCKS = (Block(0, seed=3, shared_seed=1, effort=20), Block(1, seed=4, shared_seed=1, effort=20))


def replicas(net: str) -> Replicas:
    return Replicas([build(net) for _ in range(2)])


def test_one_row_is_refused_by_batch_norm_over_features_alone() -> None:
    x = torch.randn(2, 5, 64)
    taken = {
        (net, way): takes_one(switched(replicas(net), way), x)
        for net in (PLAIN_MLP, NORM_MLP, NORM_CNN)
        for way in (ALONE, TRAIN)
    }
    assert [pair for pair, takes in taken.items() if not takes] == [(NORM_MLP, TRAIN)]


def test_what_is_shared_stays_as_it_was() -> None:
    shared = Shared(BLOCKS)
    first = shared.trained(NORM_CNN)
    before = {name: each.clone() for name, each in first.named_buffers()}
    mean_of(switched(first, TRAIN), torch.randn(2, 1, 64), 3)
    again = dict(shared.trained(NORM_CNN).named_buffers())
    assert all(torch.equal(each, before[name]) for name, each in again.items())
    assert any(not torch.equal(each, before[name]) for name, each in first.named_buffers())


def test_hits_are_counted_by_replica() -> None:
    scores = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])
    assert hits(scores, torch.tensor([[0, 1], [0, 1]])).tolist() == [1.0, 0.5]
