"""What a data set needs, and what is counted as delivered."""

from __future__ import annotations

import torch

from harness.design.factors import Arm, Block
from studies.dataloader.contract import BOTH, EXAMPLES, LACKING, Numbers, delivered, measure


def found(dataset: str) -> float:
    value = measure(Block(0, 1, 2), Arm((("dataset", dataset),)))["delivered"]
    assert isinstance(value, float)
    return value


def test_both_methods_are_enough_only_where_keys_are_numbers_and_values_can_be_stacked() -> None:
    assert [found(kind) for kind in BOTH] == [1, 1, 1, 0, 0, 0]


def test_neither_method_is_indispensable() -> None:
    assert [found(kind) for kind in LACKING] == [0, 1, 1, 1]


def test_an_example_that_comes_twice_is_not_delivered_once() -> None:
    assert delivered(Numbers(EXAMPLES)) == 1
    assert delivered(torch.arange(EXAMPLES) // 2) == 0
    assert delivered(Numbers(EXAMPLES // 2)) == 0.5
