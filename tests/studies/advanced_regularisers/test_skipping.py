"""Blocks that are left out."""

from __future__ import annotations

from collections import Counter

import torch

from studies.advanced_regularisers.skipping import BLOCKS, CNN, TRANSFORMER, network, turns


def test_each_block_is_left_out_as_often_as_every_other() -> None:
    for count in (1, 2):
        left_out = Counter(number for turn in turns(count) for number in turn)
        assert left_out == dict.fromkeys(range(BLOCKS), 1)
        assert {len(turn) for turn in turns(count)} == {count}
    assert turns(0) == [()]


def test_a_block_that_is_left_out_gets_no_gradient() -> None:
    inputs = {CNN: torch.randn(4, 3, 12, 12), TRANSFORMER: torch.randn(4, 12, 64)}
    for name, x in inputs.items():
        net = network(name)
        net(x, (3,), masked=False).sum().backward()
        touched = [any(p.grad is not None for p in branch.parameters()) for branch in net.branches]
        assert touched == [number != 3 for number in range(BLOCKS)]


def test_a_net_whose_branches_are_all_masked_still_computes_them() -> None:
    net = network(CNN)
    net(torch.randn(4, 3, 12, 12), (), masked=True).sum().backward()
    assert all(p.grad is not None for branch in net.branches for p in branch.parameters())
