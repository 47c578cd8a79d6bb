"""The small image sets of this study's convolutional networks, and the networks.

Digits of 8 x 8 pixels, few or many; and digits put somewhere on a piece of a photograph, 10 x 10
pixels, which is what makes an image natural: neighbours resemble each other everywhere, and no
border is blank. The photographs are the two that come with scikit-learn, every third pixel of them,
so that a piece shows something; or every pixel, where it matters that neighbours in the piece are
neighbours in the photograph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.libraries import nn, torch
from harness.workloads.samples import Sample, draw_sample
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

SIDE, CANVAS, THIRD = 8, 10, 3
CHANNELS = (8, 16)


@dataclass(frozen=True)
class Images:
    """A set of images.

    Attributes:
        train: how many there are to train on; as many as the digits give where None.
        held_out: in each of the other parts.
        stride: every how many pixels of a photograph are taken for the piece that digits stand on;
            0 for digits by themselves.
        epochs: of training, in batches of 32; about as many steps for each set.
    """

    train: int | None
    held_out: int
    stride: int
    epochs: int

    @property
    def side(self) -> int:
        """Of an image, in pixels."""
        return CANVAS if self.stride else SIDE


FEW, MANY, PHOTOGRAPHS = "300 digits", "899 digits", "300 digits in photographs"
CROPS = "300 digits in crops of photographs"
SETS = {
    FEW: Images(300, 200, stride=0, epochs=25),
    MANY: Images(899, 200, stride=0, epochs=10),
    PHOTOGRAPHS: Images(300, 200, stride=THIRD, epochs=25),
    CROPS: Images(300, 200, stride=1, epochs=25),
}


def draw_images(name: str, seeds: Sequence[int], device: str = "cpu") -> Sample:
    """Images for a replica a seed, as rows of pixels.

    Args:
        name: one of ``SETS``.
        seeds: one a replica.
        device: where the tensors go.
    """
    images = SETS[name]
    sample = draw_sample(
        "digits", seeds, train=images.train, held_out=images.held_out, device=device
    )
    if not images.stride:
        return sample
    train, val, test = (
        Part(on_photographs(part.x.cpu(), seeds, place, images.stride).to(device), part.y)
        for place, part in enumerate((sample.train, sample.val, sample.test))
    )
    return replace(sample, train=train, val=val, test=test)


def on_photographs(digits: Tensor, seeds: Sequence[int], part: int, stride: int = THIRD) -> Tensor:
    """Digits put somewhere on pieces of photographs.

    Args:
        digits: shape (replicas, rows, 64), from -2 for no ink to 2.
        seeds: one a replica.
        part: which part of the sample it is: each has places of its own.
        stride: see ``Images``.

    Returns:
        Shape (replicas, rows, 100), on the same scale.
    """
    photographs = grey_photographs(stride)
    out = []
    for rows, seed in zip(digits.numpy(), seeds, strict=True):
        draw = np.random.default_rng([seed, part])
        for row in rows:
            photograph = photographs[draw.integers(len(photographs))]
            down, across = (draw.integers(size - CANVAS + 1) for size in photograph.shape)
            canvas = photograph[down : down + CANVAS, across : across + CANVAS].copy()
            top, left = draw.integers(CANVAS - SIDE + 1, size=2)
            piece = canvas[top : top + SIDE, left : left + SIDE]
            ink = (row.reshape(SIDE, SIDE) + 2) / 4
            piece[:] = piece * (1 - ink) + 2 * ink
            out.append(canvas.ravel())
    shape = (*digits.shape[:2], CANVAS * CANVAS)
    return torch.as_tensor(np.array(out, dtype=np.float32)).view(shape)


def grey_photographs(stride: int) -> list[NDArray[np.float32]]:
    """The photographs in grey, from -2 to 1: ink is brighter than all of it.

    Args:
        stride: every how many pixels are taken.
    """
    from sklearn.datasets import load_sample_image

    grey = (
        load_sample_image(name)[::stride, ::stride].mean(axis=2)
        for name in ("china.jpg", "flower.jpg")
    )
    return [(3 * each / 255 - 2).astype(np.float32) for each in grey]


def convolutional(images: Images, rate: float = 0.0, *, spatial: bool = False) -> nn.Sequential:
    """``digits_cnn`` of the images' size, with dropout behind both convolutions.

    Args:
        images: sets the size.
        rate: of dropout; 0 builds no such layer.
        spatial: whether whole maps are dropped.
    """
    from harness.workloads.regularisers import digits_cnn

    return digits_cnn(10, channels=CHANNELS, conv_dropout=rate, spatial=spatial, side=images.side)
