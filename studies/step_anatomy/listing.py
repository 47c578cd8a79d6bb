"""The set-up of chapter 3's listing: a linear classifier of 784 pixels, and 10,000 images for it.

The listing gives the network, the loss, the rate and the scheduler, and no data. The images are
scikit-learn's handwritten digits, three times as wide and high, in a frame of 28 by 28 pixels at 25
places each. A block draws 10,000 of them, which are chapter 0's 313 batches of 32, and holds out
digits of which it has trained on no copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import Block
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

PIXELS, CLASSES, BATCH = 784, 10, 32
ROWS, STEPS = 10_000, 313
RATE, STEP_SIZE = 0.01, 100

SIDE, ENLARGED, PLACES = 28, 3, 5
HELD_OUT = 0.4
#: How the pixels reach the network: as shares of full ink, or with mean 0 and deviation 1.
PLAIN, STANDARDISED = "pixels from 0 to 1", "standardised pixels"


@lru_cache(maxsize=1)
def framed_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Every digit at every place.

    Returns:
        Ink from 0 to 16, shape (1797, 25, 784), and the digits' classes, shape (1797,).
    """
    from sklearn.datasets import load_digits

    small, classes = load_digits(return_X_y=True)
    ink = small.reshape(-1, 8, 8).astype(np.uint8).repeat(ENLARGED, 1).repeat(ENLARGED, 2)
    framed = np.zeros((len(ink), PLACES, PLACES, SIDE, SIDE), np.uint8)
    size = 8 * ENLARGED
    for down in range(PLACES):
        for right in range(PLACES):
            framed[:, down, right, down : down + size, right : right + size] = ink
    return framed.reshape(len(ink), PLACES**2, PIXELS), classes.astype(np.int64)


@dataclass(frozen=True)
class Images:
    """What the blocks of a cohort train on, a replica each.

    Attributes:
        blocks: each seeds its own rows, weights and order of batches.
        networks: one a replica, untrained.
        ink: every digit at every place, from 0 to 1, shape (1797 x 25, 784); in half precision,
            which holds sixteenths exactly.
        classes: of them, shape (1797 x 25,).
        train: the images to train on, by their places in ``ink``, shape (replicas, rows).
        held: those to validate with, shape (replicas, held).
    """

    blocks: tuple[Block, ...]
    networks: tuple[nn.Module, ...]
    ink: Tensor
    classes: Tensor
    train: Tensor
    held: Tensor

    def batches(self, pixels: str = PLAIN, epochs: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of some epochs, each shuffled for each replica from its own seed.

        Args:
            pixels: ``PLAIN`` or ``STANDARDISED``.
            epochs: how many.
        """
        streams = [torch.Generator().manual_seed(block.seed) for block in self.blocks]
        rows = self.train.shape[1]
        for _ in range(epochs):
            order = torch.stack([torch.randperm(rows, generator=stream) for stream in streams])
            shuffled = self.train.gather(1, order.to(self.train.device))
            for chosen in shuffled.split(BATCH, dim=1):
                yield self.drawn(chosen, pixels)

    def validation(self, pixels: str = PLAIN) -> tuple[Tensor, Tensor]:
        """The images held out."""
        return self.drawn(self.held, pixels)

    def drawn(self, chosen: Tensor, pixels: str) -> tuple[Tensor, Tensor]:
        """Images as the network gets them, shape (replicas, n, 784), with their classes."""
        ink = self.ink.index_select(0, chosen.flatten()).float().view(*chosen.shape, PIXELS)
        if pixels == STANDARDISED:
            mean, deviation = moments_of_ink()
            ink = ink.sub_(mean).div_(deviation)
        return ink, self.classes[chosen]


@lru_cache(maxsize=1)
def moments_of_ink() -> tuple[float, float]:
    """Mean and standard deviation of a pixel; they are the same at every place in the frame."""
    ink = framed_digits()[0][:, 0] / 16
    return float(ink.mean()), float(ink.std())


def prepare_images(blocks: tuple[Block, ...]) -> Images:
    """Images and untrained networks; ``effort`` is how many images there are to train on."""
    ink, classes = framed_digits()
    device = blocks[0].device
    networks, train, held = [], [], []
    for block in blocks:
        stream = torch.Generator().manual_seed(block.seed)
        digits = torch.randperm(len(ink), generator=stream)
        kept_out = round(HELD_OUT * len(ink))
        held.append(digits[:kept_out] * PLACES**2 + _places(kept_out, stream))
        copies = (digits[kept_out:, None] * PLACES**2 + torch.arange(PLACES**2)).flatten()
        train.append(copies[torch.randperm(len(copies), generator=stream)[: block.effort]])
        torch.manual_seed(block.seed)
        networks.append(nn.Linear(PIXELS, CLASSES).to(device))
    return Images(
        blocks,
        tuple(networks),
        torch.from_numpy(ink).flatten(0, 1).half().div_(16).to(device),
        torch.from_numpy(classes).repeat_interleave(PLACES**2).to(device),
        torch.stack(train).to(device),
        torch.stack(held).to(device),
    )


def _places(count: int, stream: torch.Generator) -> Tensor:
    return torch.randint(PLACES**2, (count,), generator=stream)
