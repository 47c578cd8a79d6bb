"""Test images of which a part is covered, in ways that no training image was.

A bar of two pixels' width, upright or lying, covers a quarter of each image with the same place of
another test image: neither the shape nor the content of a square that cutout masks. Beside it, a
square of three pixels is put on every place of the image, in the mean of all training pixels: right
is a net that is right with the square in any place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.fitting import logits
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.samples import Sample

SIDE, BAR, SQUARE = 8, 2, 3
#: How many test rows meet the square in all of its places.
ROWS = 80


def with_bars(part: Part, seed: int = 0) -> Part:
    """Each image with a bar of another one's pixels; the same bars whoever asks.

    Args:
        part: rows of 64 pixels, shape (replicas, rows, 64).
        seed: of places, directions, and whose pixels they are.
    """
    stream = torch.Generator().manual_seed(seed)
    replicas, rows = part.x.shape[:2]
    first = torch.randint(SIDE - BAR + 1, (replicas, rows, 1, 1), generator=stream)
    upright = torch.rand((replicas, rows, 1, 1), generator=stream) < 0.5
    other = torch.rand((replicas, rows), generator=stream).argsort(dim=1)
    along = torch.arange(SIDE)
    places = torch.where(upright, along[None, :], along[:, None])
    covered = ((places >= first) & (places < first + BAR)).flatten(2).to(part.x.device)
    each = torch.arange(replicas, device=part.x.device)[:, None]
    return Part(torch.where(covered, part.x[each, other.to(part.x.device)], part.x), part.y)


def accuracy(nets: Replicas, part: Part) -> NDArray[np.float64]:
    """The share of rows that each replica has right in eval mode."""
    return _shares(logits(nets, part).argmax(dim=-1) == part.y)


def accuracy_anywhere(nets: Replicas, sample: Sample) -> NDArray[np.float64]:
    """The share of the first test rows that each replica has right wherever the square is put."""
    images, y = sample.test.x[:, :ROWS].unflatten(2, (SIDE, SIDE)), sample.test.y[:, :ROWS]
    grey = sample.train.x.mean(dim=(1, 2))[:, None, None, None]
    right = torch.ones_like(y, dtype=torch.bool)
    for down in range(SIDE - SQUARE + 1):
        for across in range(SIDE - SQUARE + 1):
            covered = images.clone()
            covered[:, :, down : down + SQUARE, across : across + SQUARE] = grey
            right &= logits(nets, Part(covered.flatten(2), y)).argmax(dim=-1) == y
    return _shares(right)


def _shares(right: Tensor) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = right.double().mean(dim=1).cpu().numpy()
    return shares
