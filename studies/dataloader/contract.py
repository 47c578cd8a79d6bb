"""What must an object have for a DataLoader to take it as a data set?

Objects with the two methods that are said to be the whole contract, and objects that lack one or
both of them, are given to a DataLoader, and it is counted which share of the examples comes out in
one epoch. What is sufficient must work in every form, what is necessary must not be dispensable.

A loader that raises has delivered nothing. The verdicts speak for loading in the main process with
the default collation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
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
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, BATCH = 100, 16

#: Each has __len__ and __getitem__.
BOTH = (
    "plain class",
    "list of tensors",
    "one tensor",
    "dict with names as keys",
    "values of a class of its own",
    "values of several lengths",
)
#: Each lacks one of them or both.
LACKING = (
    "no __len__",
    "no __len__, a sampler instead",
    "no __getitem__, __getitems__ instead",
    "neither, an IterableDataset",
)

DATASET = Factor("dataset", (*BOTH, *LACKING))

CLAIMS = (
    Claim(
        "C1.03",
        Value("delivered").at(dataset=BOTH).always(),
        equals(1.0),
        reading="Any object that has both methods will do: an epoch delivers every example once.",
    ),
    Claim(
        "C1.03",
        Value("delivered").at(dataset=LACKING).always(),
        equals(0.0),
        reading="They are the contract: without one of them nothing is delivered.",
    ),
)


@dataclass(frozen=True)
class Numbers:
    """The numbers from 0 on: a plain class with both methods."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        return torch.tensor(index)


@dataclass(frozen=True)
class Wrapped:
    """A number in a class that nobody has heard of."""

    number: int


class WrappedNumbers(Numbers):
    """Both methods, with values the default collation does not know."""

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - what is at question
        return Wrapped(index)


class Repeated(Numbers):
    """Both methods, with values of different lengths, as texts and sounds have them."""

    def __getitem__(self, index: int) -> Tensor:
        return torch.full((1 + index % 3,), index)


class Endless:
    """No length: only __getitem__."""

    def __getitem__(self, index: int) -> Tensor:
        return torch.tensor(index)


@dataclass(frozen=True)
class ByTheBatch:
    """No __getitem__: whole batches at a time, and a length."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return [torch.tensor(index) for index in indices]


def stream(count: int) -> object:
    """The numbers from 0 on as an IterableDataset, which has neither method."""

    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Iterator[Tensor]:
            return iter(torch.arange(count))

    return Stream()


DATASETS: dict[str, Callable[[], object]] = {
    BOTH[0]: lambda: Numbers(EXAMPLES),
    BOTH[1]: lambda: list(torch.arange(EXAMPLES)),
    BOTH[2]: lambda: torch.arange(EXAMPLES),
    BOTH[3]: lambda: {f"example {i}": torch.tensor(i) for i in range(EXAMPLES)},
    BOTH[4]: lambda: WrappedNumbers(EXAMPLES),
    BOTH[5]: lambda: Repeated(EXAMPLES),
    LACKING[0]: Endless,
    LACKING[1]: Endless,
    LACKING[2]: lambda: ByTheBatch(EXAMPLES),
    LACKING[3]: lambda: stream(EXAMPLES),
}


def measure(_: Block, arm: Arm) -> Responses:
    """Load one epoch and look which of the numbers came out."""
    kind = arm[DATASET]
    settings = {"sampler": range(EXAMPLES)} if "a sampler instead" in kind else {}
    return {"delivered": delivered(DATASETS[kind](), **settings)}


def delivered(dataset: object, **settings: object) -> float:
    """The share of the numbers that an epoch delivers exactly once; 0 where the loader raises."""
    try:
        batches = [*make_loader(dataset, batch_size=BATCH, **settings)]
    except Exception:  # noqa: BLE001 - that the loader refuses a data set is what is measured
        return 0.0
    values, counts = torch.cat(batches).unique(return_counts=True)
    once = values[counts == 1]
    return float(torch.isin(torch.arange(EXAMPLES), once).double().mean())


EXPERIMENT = Experiment(
    question="What must an object have for a DataLoader to take it as a data set?",
    factors=(DATASET,),
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(Response("delivered", "1", "delivered"),),
    claims=CLAIMS,
)
