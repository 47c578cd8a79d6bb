"""How calls are counted."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader.examples import EXAMPLES, Pairs, PairsByTheBatch, measure, prepare
from studies.dataloader.loaders import make_loader, read_all


@pytest.mark.parametrize(
    ("dataset", "calls"),
    [
        ("__getitem__ alone", 1),
        ("its Subset", 1),
        ("__getitems__ as well", 0),
        ("IterableDataset", 0),
    ],
)
def test_one_call_for_each_example_unless_there_is_another_way(dataset: str, calls: int) -> None:
    lists = prepare(Block(0, 1, 2))
    assert measure(lists, Arm((("dataset", dataset),)))["getitem_calls"] == calls


def test_two_epochs_would_be_two_calls() -> None:
    pairs = Pairs(*prepare(Block(0, 1, 2)))
    loader = make_loader(pairs, batch_size=1000)
    read_all(loader)
    read_all(loader)
    assert pairs.calls == 2 * EXAMPLES


def test_both_ways_give_the_same_pairs() -> None:
    lists = prepare(Block(0, 1, 2))
    pairs = PairsByTheBatch(*lists)
    assert pairs.__getitems__([47, 3]) == [pairs[47], pairs[3]]
    assert pairs[47] == (lists[0][47], 47)
