"""What is a batch: which type, which shapes, which size?

Examples that are a tuple, a list, a named tuple or a dictionary of an input and a target are put
into batches of 32 by the default collation. Pairs are looked at more closely: with and without the
last, smaller batch, from a data set that fills its last batch and from one that does not, read in
the training process, by workers, and as a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
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

BATCH, WIDTH = 32, 5


class Example(NamedTuple):
    """An example with names for its parts."""

    inputs: Tensor
    targets: int


KINDS: dict[str, Callable[[Tensor, int], object]] = {
    "tuple": lambda inputs, targets: (inputs, targets),
    "list": lambda inputs, targets: [inputs, targets],
    "named tuple": Example,
    "dictionary": lambda inputs, targets: {"inputs": inputs, "targets": targets},
}
EXAMPLE = Factor("example", tuple(KINDS))
EXAMPLES = Factor("examples", (96, 100))
READ = Factor("read", ("by the loop", "by 2 workers", "as a stream"))
DROP_LAST = Factor("drop_last", (False, True))

FULL = "In every batch but the last of a data set that does not fill it. "

CLAIMS = (
    Claim(
        "C1.12",
        Value("is_tuple").at(examples=100, read="by the loop", drop_last=False).always(),
        equals(1.0),
        reading="By the type of the batch itself; a named tuple is a tuple.",
    ),
    Claim(
        "C1.13",
        Value("full_shape_gap").at(example="tuple", drop_last=False).always(),
        equals(0.0),
        reading=f"{FULL}Inputs have 32 rows, and targets are 32 numbers without another dimension.",
    ),
    Claim(
        "C1.17",
        Value("odd_batches").at(example="tuple", drop_last=True).always(),
        equals(0.0),
        reading="No batch of an epoch has another size than 32.",
    ),
    Control(
        "with drop_last=False the remainder comes as one smaller batch",
        Value("odd_batches").at(example="tuple", drop_last=False, examples=100).always(),
        equals(1.0),
    ),
)


@dataclass(frozen=True)
class ByIndex:
    """Examples of one kind, asked for by their number."""

    kind: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> object:
        return KINDS[self.kind](torch.full((WIDTH,), float(index)), index)


def stream(examples: ByIndex) -> object:
    """The same as an IterableDataset."""

    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Iterator[object]:
            return (examples[i] for i in range(len(examples)))

    return Stream()


def measure(_: Block, arm: Arm) -> Responses:
    """Look at every batch of an epoch."""
    examples = ByIndex(arm[EXAMPLE], arm[EXAMPLES])
    loader = make_loader(
        stream(examples) if arm[READ] == "as a stream" else examples,
        batch_size=BATCH,
        drop_last=arm[DROP_LAST],
        num_workers=2 if arm[READ] == "by 2 workers" else 0,
    )
    batches = [*loader]
    shapes = [[tuple(part.shape) for part in parts(batch)] for batch in batches]
    gaps = [shape != [(BATCH, WIDTH), (BATCH,)] for shape in shapes]
    return {
        "is_tuple": min(float(isinstance(batch, tuple)) for batch in batches),
        "full_shape_gap": float(sum(gaps[: arm[EXAMPLES] // BATCH])),
        "odd_batches": float(sum(shape[0][0] != BATCH for shape in shapes)),
    }


def parts(batch: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - its type is at question
    """Inputs and targets of a batch, whatever holds them."""
    inputs, targets = batch.values() if isinstance(batch, dict) else batch
    return inputs, targets


def _needed(arm: Arm) -> bool:
    """All of it for pairs; of the other kinds of example the type alone is asked."""
    plain = arm[EXAMPLES] == 100 and arm[READ] == "by the loop" and not arm[DROP_LAST]
    return arm[EXAMPLE] == "tuple" or plain


EXPERIMENT = Experiment(
    question="What is a batch: which type, which shapes, which size?",
    factors=(EXAMPLE, EXAMPLES, READ, DROP_LAST),
    only=_needed,
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("is_tuple", "1", "is tuple"),
        Response("full_shape_gap", "batches", "full shape gap"),
        Response("odd_batches", "batches", "odd batches"),
    ),
    claims=CLAIMS,
)
