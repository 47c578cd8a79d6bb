"""How calls are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader import examples
from studies.dataloader.examples import EXAMPLES, Pairs, PairsByTheBatch, measure, prepare


@pytest.mark.parametrize(("epochs", "calls"), [(0, 0.0), (1, 1.0), (2, 2.0)])
def test_calls_are_counted_for_each_example(
    epochs: int, calls: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(pairs: Any, **_: object) -> Iterator[object]:  # noqa: ANN401 - any data set
        return (pairs[i] for _ in range(epochs) for i in range(EXAMPLES))

    monkeypatch.setattr(examples, "make_loader", reading)
    lists = prepare(Block(0, 1, 2))
    for dataset in ("__getitem__ alone", "a Subset of it"):
        found = measure(lists, Arm((("dataset", dataset),)))
        assert found["getitem_calls"] == calls


def test_what_is_read_past_the_method_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "make_loader", lambda stream, **_: stream)
    arm = Arm((("dataset", "an IterableDataset"),))
    assert measure(prepare(Block(0, 1, 2)), arm)["getitem_calls"] == 0


def test_a_pair_of_other_objects_is_not_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = Arm((("dataset", "__getitem__ alone"),))
    monkeypatch.setattr(examples, "make_loader", lambda *_, **__: [])
    lists = prepare(Block(0, 1, 2))
    assert measure(lists, arm)["items_alike"] == 1
    monkeypatch.setattr(Pairs, "__getitem__", lambda self, i: (self.inputs[i].clone(), i))
    assert measure(lists, arm)["items_alike"] == 0


def test_both_ways_give_the_same_pairs() -> None:
    lists = prepare(Block(0, 1, 2))
    pairs = PairsByTheBatch(*lists)
    assert pairs.__getitems__([47, 3]) == [pairs[47], pairs[3]]
    assert pairs[47] == (lists[0][47], 47)
