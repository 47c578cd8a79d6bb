"""What must an object have for a DataLoader to take it as a data set?

Objects with the two methods that are said to be the whole contract, and objects that lack one or
both of them, are given to a DataLoader, and it is counted which share of the examples comes out in
one epoch. What is sufficient must work in every form, what is necessary must not be dispensable.

A loader that raises has delivered nothing. The verdict speaks for data sets that are asked for
whole numbers and give ordinary values, loaded in the main process with the default collation. Keys
that are names, values that the default collation cannot stack, and the other ways that PyTorch has
of asking for data are measured by the same rule and decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, BATCH = 100, 16

PLAIN = "plain class with both methods"
#: Each has __len__ and __getitem__; keys are whole numbers and values can be stacked.
BOTH = (PLAIN, "list of tensors", "one tensor")
#: Each has both as well, but other keys or values.
UNUSUAL = (
    "dictionary with names as keys",
    "values of a class of its own",
    "values of several lengths",
)
#: Each lacks one of them, and nothing stands in for it.
LACKING = ("no __len__", "no __getitem__")
#: Each lacks one of them or both, and has another way in its place.
REPLACED = (
    "no __len__, a sampler instead",
    "no __getitem__, __getitems__ instead",
    "neither, an IterableDataset",
)

DATASET = Factor("dataset", (*BOTH, *UNUSUAL, *LACKING, *REPLACED), label="data set")

ENOUGH = "Both methods are enough: an epoch delivers every example exactly once."
NEEDED = "Both methods are needed: without one of them an epoch delivers nothing."

CLAIMS = (
    Claim(
        "C1.03",
        Value("delivered").at(dataset=BOTH).always(),
        equals(1.0),
        reading=ENOUGH,
        headline={"dataset": PLAIN},
    ),
    Claim(
        "C1.03",
        Value("delivered").at(dataset=LACKING).always(),
        equals(0.0),
        reading=NEEDED,
    ),
    Beyond(
        "C1.03",
        Value("delivered").at(dataset=UNUSUAL).always(),
        equals(1.0),
        why="keys that are names, or values that the default collation cannot stack",
        reading=ENOUGH,
    ),
    Beyond(
        "C1.03",
        Value("delivered").at(dataset=REPLACED).always(),
        equals(0.0),
        why="other ways of asking for data, which take the place of a method",
        reading=NEEDED,
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


class LengthAlone:
    """No __getitem__: only a length."""

    def __len__(self) -> int:
        return EXAMPLES


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
    PLAIN: lambda: Numbers(EXAMPLES),
    "list of tensors": lambda: list(torch.arange(EXAMPLES)),
    "one tensor": lambda: torch.arange(EXAMPLES),
    "dictionary with names as keys": lambda: {
        f"example {i}": torch.tensor(i) for i in range(EXAMPLES)
    },
    "values of a class of its own": lambda: WrappedNumbers(EXAMPLES),
    "values of several lengths": lambda: Repeated(EXAMPLES),
    "no __len__": Endless,
    "no __getitem__": LengthAlone,
    "no __len__, a sampler instead": Endless,
    "no __getitem__, __getitems__ instead": lambda: ByTheBatch(EXAMPLES),
    "neither, an IterableDataset": lambda: stream(EXAMPLES),
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
    responses=(
        Response("delivered", "1", "the share of the examples that an epoch delivers exactly once"),
    ),
    claims=CLAIMS,
)
