"""What is a batch: which type, which shapes, which size?

Examples that are a tuple, a list, a named tuple or a dictionary of an input and a target are put
into batches of 32 by the default collation. Pairs are looked at more closely: with and without the
last, smaller batch, from a data set that fills its last batch and from one that does not, read in
the training process, by workers, and as a stream.

The passage lists a data set of pairs, given as tuples, in batches of 32. For these it is judged of
which type a batch is, and that its full batches have the shapes written beside them; that the pair
can be unpacked, other kinds of examples and streams are shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
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
LISTED = "tuple"
EXAMPLE = Factor("example", tuple(KINDS), words={kind: f"each example a {kind}" for kind in KINDS})
EXAMPLES = Factor("examples", (96, 100), words={96: "96 examples", 100: "100 examples"})
BY_LOOP, BY_WORKERS, STREAM = "by the loop", "by 2 workers", "as a stream"
READ = Factor(
    "read",
    (BY_LOOP, BY_WORKERS, STREAM),
    words={BY_LOOP: "", BY_WORKERS: "2 workers", STREAM: "read as a stream"},
)
DROP_LAST = Factor(
    "drop_last", (False, True), words={False: "last batch kept", True: "last batch dropped"}
)

TYPE: dict[str, Level] = {"examples": 100, "read": BY_LOOP, "drop_last": False}
SHAPES = (
    "In every full batch inputs have 32 rows, and targets are 32 numbers without another dimension."
)

CLAIMS = (
    Claim(
        "C1.12",
        Value("is_tuple").at(example=LISTED, **TYPE).always(),
        equals(1.0),
        reading="The type of every batch, of pairs that are tuples, is tuple.",
        headline=True,
    ),
    Beyond(
        "C1.12",
        Value("is_tuple").at(example=("list", "named tuple", "dictionary"), **TYPE).always(),
        equals(1.0),
        why="examples that are no plain tuples",
    ),
    Beyond(
        "C1.12",
        Value("unpacks").at(example=LISTED, **TYPE).always(),
        equals(1.0),
        why="a batch of any type that the loop can take apart into inputs and targets",
        reading="Where tuple only means a pair: every batch comes apart into inputs and targets.",
    ),
    Claim(
        "C1.13",
        Value("full_shape_gap")
        .at(example=LISTED, read=(BY_LOOP, BY_WORKERS), drop_last=False)
        .always(),
        equals(0.0),
        reading=SHAPES,
        headline={"examples": 100, "read": BY_WORKERS},
    ),
    Beyond(
        "C1.13",
        Value("full_shape_gap").at(example=LISTED, read=STREAM, drop_last=False).always(),
        equals(0.0),
        why="a stream, where the passage lists a data set with numbered examples",
    ),
    Claim(
        "C1.17",
        Value("odd_batches").at(example=LISTED, drop_last=True).always(),
        equals(0.0),
        reading="No batch of an epoch has another size than 32.",
        headline={"examples": 100, "read": BY_LOOP},
    ),
    Control(
        "where the last batch is kept, the remainder comes as one smaller batch",
        Value("odd_batches").at(example=LISTED, drop_last=False, examples=100).always(),
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
        stream(examples) if arm[READ] == STREAM else examples,
        batch_size=BATCH,
        drop_last=arm[DROP_LAST],
        num_workers=2 if arm[READ] == BY_WORKERS else 0,
    )
    batches = [*loader]
    shapes = [[tuple(part.shape) for part in parts(batch)] for batch in batches]
    gaps = [shape != [(BATCH, WIDTH), (BATCH,)] for shape in shapes]
    return {
        "is_tuple": min(float(isinstance(batch, tuple)) for batch in batches),
        "unpacks": float(all(unpacks(batch) for batch in batches)),
        "full_shape_gap": float(sum(gaps[: arm[EXAMPLES] // BATCH])),
        "odd_batches": float(sum(shape[0][0] != BATCH for shape in shapes)),
    }


def unpacks(batch: Any) -> bool:  # noqa: ANN401 - its type is at question
    """Whether a loop that names two things gets two tensors."""
    try:
        inputs, targets = batch
    except (TypeError, ValueError):
        return False
    return isinstance(inputs, torch.Tensor) and isinstance(targets, torch.Tensor)


def parts(batch: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - its type is at question
    """Inputs and targets of a batch, whatever holds them."""
    inputs, targets = batch.values() if isinstance(batch, dict) else batch
    return inputs, targets


def _needed(arm: Arm) -> bool:
    """All of it for pairs; of the other kinds of example the type alone is asked."""
    plain = arm[EXAMPLES] == 100 and arm[READ] == BY_LOOP and not arm[DROP_LAST]
    return arm[EXAMPLE] == LISTED or plain


EXPERIMENT = Experiment(
    question="What is a batch: which type, which shapes, which size?",
    factors=(EXAMPLE, EXAMPLES, READ, DROP_LAST),
    only=_needed,
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("is_tuple", "yes/no", "every batch is a tuple"),
        Response("unpacks", "yes/no", "every batch comes apart into inputs and targets"),
        Response("full_shape_gap", "batches", "the number of full batches with other shapes"),
        Response("odd_batches", "batches", "the number of batches whose size is not 32"),
    ),
    claims=CLAIMS,
)
