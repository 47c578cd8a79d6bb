"""How do examples get from a data set into a batch?

A data set of pairs counts how often its methods are called while a DataLoader reads it once from
beginning to end. It has ``__getitem__`` alone, or the optional ``__getitems__`` as well, which
serves a batch at a time, or it is an IterableDataset; and it may be asked through a Subset, as a
split makes one. Afterwards it is indexed by hand.

The verdict is that of a data set with ``__getitem__`` alone, as the passage lists it; the other
ways in are shown beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader, read_all

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, BATCH, INDEX = 10_000, 32, 47

ALONE = "__getitem__ alone"
OTHERS = ("a Subset of it", "__getitems__ as well", "an IterableDataset")
DATASET = Factor("dataset", (ALONE, *OTHERS), control=ALONE, label="data set")

CLAIMS = (
    Claim(
        "C1.04",
        Value("items_alike").at(dataset=ALONE).always(),
        equals(1.0),
        reading="The pair at 47 holds the very objects at 47 of both lists.",
        headline=True,
    ),
    Claim(
        "C1.04",
        Value("length").at(dataset=ALONE).always(),
        equals(float(EXAMPLES)),
        reading="The length of the data set is that of its lists, 10,000.",
    ),
    Claim(
        "C1.05",
        Value("getitem_calls").at(dataset=ALONE).always(),
        equals(1.0),
        reading="An epoch asks the data set once for each example, by its number.",
        headline=True,
    ),
    Beyond(
        "C1.05",
        Value("getitem_calls").at(dataset=OTHERS).always(),
        equals(1.0),
        why="a data set that offers another way than __getitem__",
    ),
)


class Pairs:
    """A wrapper around two lists that counts the calls of its method."""

    def __init__(self, inputs: list[Tensor], targets: list[int]) -> None:
        self.inputs, self.targets = inputs, targets
        self.calls = 0

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        self.calls += 1
        return self.inputs[index], self.targets[index]


class PairsByTheBatch(Pairs):
    """The same with the optional method that serves a whole batch."""

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, int]]:
        return [(self.inputs[i], self.targets[i]) for i in indices]


def prepare(block: Block) -> tuple[list[Tensor], list[int]]:
    """Inputs and targets, all different: the number of the example is in both."""
    del block
    return list(torch.arange(EXAMPLES).float()), list(range(EXAMPLES))


def measure(lists: tuple[list[Tensor], list[int]], arm: Arm) -> Responses:
    """Read the data set once and count; index it by hand."""
    by_the_batch = arm[DATASET] == "__getitems__ as well"
    pairs = PairsByTheBatch(*lists) if by_the_batch else Pairs(*lists)
    seen = SEEN_AS.get(arm[DATASET])
    read_all(make_loader(seen(pairs) if seen else pairs, batch_size=BATCH))
    calls = pairs.calls / EXAMPLES
    found = pairs[INDEX]
    alike = found[0] is lists[0][INDEX] and found[1] is lists[1][INDEX]
    return {
        "getitem_calls": calls,
        "length": float(len(pairs)) if arm[DATASET] == ALONE else math.nan,
        "items_alike": float(alike) if arm[DATASET] == ALONE else math.nan,
    }


def stream(pairs: Pairs) -> object:
    """The pairs as an IterableDataset, which walks through the lists itself."""

    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Iterator[tuple[Tensor, int]]:
            return zip(pairs.inputs, pairs.targets, strict=True)

    return Stream()


def subset(pairs: Any) -> object:  # noqa: ANN401 - a data set without torch's base class
    """All of the pairs, seen through a Subset."""
    return torch.utils.data.Subset(pairs, range(len(pairs)))


SEEN_AS: dict[str, Callable[[Pairs], object]] = {
    "a Subset of it": subset,
    "an IterableDataset": stream,
}

EXPERIMENT = Experiment(
    question="How do examples get from a data set into a batch?",
    factors=(DATASET,),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("getitem_calls", "1", "the number of calls of __getitem__ for each example"),
        Response("length", "examples", "the length that the data set gives"),
        Response("items_alike", "yes/no", "the pair at 47 is that of both lists at 47"),
    ),
    claims=CLAIMS,
)
