"""What does the default collation stack, and what does one that pads return?

Images of 3 x 224 x 224 and sequences of 12, 47, 5 and 30 tokens, the passage's own sizes and two
more. Each statement stands beside a case that must come out otherwise: images joined end to end,
sequences of one length, which can be stacked, and batches whose longest sequence is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness import Fact, facts, raised
from harness.libraries import torch
from studies.dataloader.loaders import make_loader
from studies.sampling.padding import pad_batch

if TYPE_CHECKING:
    from torch import Tensor

IMAGE, IMAGES = (3, 224, 224), 8
LENGTHS = (12, 47, 5, 30)
SHORTER = (12, 46, 5, 30)


def images() -> list[Tensor]:
    """Images whose every number is their own."""
    return [torch.full(IMAGE, float(number)) for number in range(IMAGES)]


def tokens(lengths: Sequence[int]) -> list[tuple[Tensor, int]]:
    """Sequences of the numbers from 1 on, and labels."""
    return [(torch.arange(1, length + 1), place) for place, length in enumerate(lengths)]


def stacked() -> Tensor:
    """The images through the default collation of a loader."""
    batch: Tensor = next(iter(make_loader(images(), batch_size=IMAGES)))
    return batch


def own_rows(batch: Tensor) -> list[bool]:
    """For each row of a batch, whether it is the image of that number."""
    return [torch.equal(row, image) for row, image in zip(batch, images(), strict=True)]


def stack_fails(lengths: Sequence[int]) -> bool:
    """Whether torch.stack refuses sequences of these lengths."""
    return bool(raised(lambda: torch.stack([sequence for sequence, _ in tokens(lengths)]))())


def loader_fails(lengths: Sequence[int]) -> bool:
    """Whether a loader with the default collation does."""
    loader = make_loader(tokens(lengths), batch_size=len(lengths))
    return bool(raised(lambda: next(iter(loader)))())


def nesting_fails(lengths: Sequence[int]) -> bool:
    """Whether a nested tensor cannot hold them."""
    rows = [sequence for sequence, _ in tokens(lengths)]
    return bool(raised(lambda: torch.nested.nested_tensor(rows, layout=torch.jagged))())


def padded(lengths: Sequence[int], batch: int = 0) -> list[dict[str, Tensor]]:
    """The batches of a loader that pads; all sequences in one by default."""
    size = batch or len(lengths)
    return [*make_loader(tokens(lengths), batch_size=size, collate_fn=pad_batch)]


def shapes(lengths: Sequence[int]) -> list[tuple[int, ...]]:
    """The shapes of tokens, mask and labels."""
    return [tuple(part.shape) for part in padded(lengths)[0].values()]


def widths(lengths: Sequence[int], batch: int) -> list[int]:
    """The width of every batch."""
    return [each["input_ids"].shape[1] for each in padded(lengths, batch)]


def rows_of(name: str, lengths: Sequence[int]) -> list[list[float]]:
    """Tokens or mask as numbers."""
    return [[float(number) for number in row] for row in padded(lengths)[0][name].tolist()]


def by_hand(lengths: Sequence[int], *, mask: bool) -> list[list[float]]:
    """What tokens or mask must be: the sequence, or ones, and zeros up to the longest."""
    longest = max(lengths)
    return [
        [float((1 if mask else place + 1) if place < length else 0) for place in range(longest)]
        for length in lengths
    ]


EXPERIMENT = facts(
    "What does the default collation stack, and what does one that pads return?",
    Fact(
        "C2.22",
        "8 images of (3, 224, 224) become a batch of (8, 3, 224, 224)",
        lambda: tuple(stacked().shape),
        (IMAGES, *IMAGE),
        lambda: tuple(torch.cat(images()).shape),
        headline=True,
    ),
    Fact(
        "C2.22",
        "each row of that batch is the image of its number",
        lambda: own_rows(stacked()),
        [True] * IMAGES,
        lambda: own_rows(stacked().flip(0)),
    ),
    Fact(
        "C2.23",
        "torch.stack refuses sequences of 12 and 47 tokens",
        lambda: stack_fails(LENGTHS[:2]),
        True,
        lambda: stack_fails((12, 12)),
        headline=True,
    ),
    Fact(
        "C2.23",
        "a loader with the default collation refuses them",
        lambda: loader_fails(LENGTHS[:2]),
        True,
        lambda: loader_fails((12, 12)),
    ),
    Fact(
        "C2.23",
        "a nested tensor refuses them",
        lambda: nesting_fails(LENGTHS[:2]),
        True,
        lambda: loader_fails((12, 12)),
        beyond="nested tensors, which hold rows of several lengths and stack nothing",
    ),
    Fact(
        "C2.24",
        "tokens and mask are (4, 47), labels (4,), of 12, 47, 5 and 30 tokens",
        lambda: shapes(LENGTHS),
        [(4, 47), (4, 47), (4,)],
        lambda: shapes(SHORTER),
        headline=True,
    ),
    Fact(
        "C2.24",
        "two batches of two are as wide as their own longest, 47 and 30",
        lambda: widths(LENGTHS, 2),
        [47, 30],
        lambda: widths((12, 30, 5, 47), 2),
    ),
    Fact(
        "C2.24",
        "each sequence comes first and zeros fill it up",
        lambda: rows_of("input_ids", LENGTHS),
        by_hand(LENGTHS, mask=False),
        lambda: rows_of("input_ids", SHORTER),
    ),
    Fact(
        "C2.24",
        "the mask is one where the sequence is and zero where it was filled up",
        lambda: rows_of("attention_mask", LENGTHS),
        by_hand(LENGTHS, mask=True),
        lambda: rows_of("attention_mask", SHORTER),
    ),
)
