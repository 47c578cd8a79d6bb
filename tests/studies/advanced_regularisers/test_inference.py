"""Counting what a forward pass dispatches."""

from __future__ import annotations

import torch
from torch import nn

from studies.advanced_regularisers.inference import operations, silent_branches, trained


def test_operations_and_the_numbers_they_are_given_are_counted() -> None:
    """Six rows of four: ReLU is given 24 numbers, twice."""
    found = operations(lambda: nn.Sequential(nn.Sigmoid(), nn.Tanh()), (6, 4))
    assert found == "2 operations on 48 numbers: sigmoid.default 1, tanh.default 1"


def test_a_wider_net_is_told_by_its_numbers() -> None:
    narrow = operations(lambda: nn.Linear(4, 5), (6, 4))
    assert narrow != operations(lambda: nn.Linear(4, 6), (6, 4))


def test_dropout_is_seen_where_it_acts() -> None:
    assert operations(lambda: nn.Dropout(0.5), (6, 4)).startswith("0 operations")
    assert not operations(lambda: nn.Dropout(0.5), (6, 4), training=True).startswith("0 operations")


def test_branches_are_silent_as_often_as_they_are_dropped() -> None:
    """Of 256 rows in 12 blocks a tenth, 307; the standard deviation is 17."""
    assert 200 < silent_branches(training=True) < 420


def test_a_penalty_changes_what_is_trained() -> None:
    sizes = []
    for penalty in (0.0, 1.0):
        torch.manual_seed(0)
        net = trained(penalty=penalty)()
        sizes.append(sum(p.detach().abs().sum().item() for p in net.parameters()))
    assert sizes[1] < sizes[0] - 1
