"""Slices, orders and common examples, on orders that are known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.design.factors import Arm, Block
from studies.dataloader.defaults import in_new_orders
from studies.sampling.drawing import FRESH, IN_ORDER, SHUFFLED
from studies.sampling.permutation import (
    RESEEDED,
    in_common,
    measure,
    new_orders,
    off_slices,
    permutations_drawn,
    same_batches,
)


@given(st.permutations(range(12)), st.integers(1, 12))
def test_the_slices_of_an_order_are_none_off(order: list[int], batch: int) -> None:
    cut = [order[start : start + batch] for start in range(0, 12, batch)]
    assert off_slices(cut, order) == 0
    assert off_slices(cut, []) == len(cut)


def test_every_batch_in_another_order_is_counted() -> None:
    assert off_slices([[0, 1], [3, 2], [4]], [0, 1, 2, 3, 4]) == 1
    assert off_slices([[2, 3], [0, 1]], [0, 1, 2, 3]) == 2


def test_orders_must_be_complete_and_differ() -> None:
    assert new_orders([[[0, 1], [2]], [[2, 1], [0]]], 3)
    assert not new_orders([[[0, 1], [2]], [[0, 1], [2]]], 3)
    assert not new_orders([[[0, 1], [1]], [[2, 1], [0]]], 3)


def test_batches_are_the_same_whatever_the_order_within() -> None:
    epochs = [[[0, 1], [2, 3]], [[1, 0], [3, 2]], [[0, 2], [1, 3]]]
    assert same_batches(epochs) == 2


def test_common_examples_are_averaged_over_neighbours() -> None:
    assert in_common([[[0, 1], [1, 2], [1, 2]], [[5], [6]]]) == pytest.approx((1 + 2 + 0) / 3)


def test_permutations_are_written_down_as_they_are_drawn() -> None:
    with permutations_drawn() as drawn:
        first = torch.randperm(5)
        torch.randperm(3)
    torch.randperm(4)
    assert drawn[0] == first.tolist()
    assert [len(each) for each in drawn] == [5, 3]


def test_the_rule_is_that_of_the_defaults() -> None:
    """Both see an order that is kept and one that is not."""
    torch.manual_seed(3)
    block = Block(0, 1, 2)
    for loader, given_to_loader in ((SHUFFLED, {"shuffle": True}), (IN_ORDER, {})):
        found = measure(block, Arm((("loader", loader), ("rows", 300))))["new_orders"]
        assert found == in_new_orders(given_to_loader)


def test_planted_loaders_come_out_as_they_were_built() -> None:
    torch.manual_seed(3)
    block = Block(0, 1, 2)
    fresh = measure(block, Arm((("loader", FRESH), ("rows", 300))))
    # 300 rows in batches of 32: the last has 12; expected in common 32 * 32 / 300 = 3.4.
    assert 2 < float(str(fresh["in_common"])) < 5
    assert float(str(fresh["off_slices"])) >= 27  # the first batch of each epoch is a slice
    again = measure(block, Arm((("loader", RESEEDED), ("rows", 300))))
    assert again["new_orders"] == 0
    assert again["same_batches"] == 3 * 10  # three pairs of epochs, ten batches each
