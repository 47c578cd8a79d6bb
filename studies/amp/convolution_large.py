"""How much faster is a large convolution in 16 bits, on a GPU?

A batch of images goes through a 3 x 3 convolution that leaves their size and number of channels as
they are: with TF32, which convolutions use as PyTorch ships them, in strict float32, in bfloat16
and in float16. Judged are numbers of channels that keep a GPU computing; fewer show where that
begins, and against strict float32, which takes a setting of one's own, the same is shown. With the
most channels each type also runs alone, at its own clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Alone, Beyond, Claim, Factor
from harness.libraries import functional, torch
from studies.amp.precision import BF16, FP16, FP32, SECONDS_ALONE, TF32
from studies.amp.products import READING, TWO_TO_FOUR_TIMES, Products, products_experiment

if TYPE_CHECKING:
    from torch import Tensor

    from harness import Task

IMAGES, SIDE = 32, 56
#: From here on a convolution takes a GPU far longer than to fetch its numbers.
COMPUTING = (128, 256, 512)


def images_and_kernels(channels: int, device: str) -> tuple[Tensor, Tensor]:
    """A batch of images, and the weights of a convolution."""
    images = torch.randn(IMAGES, channels, SIDE, SIDE, device=device)
    return images, torch.randn(channels, channels, 3, 3, device=device)


def convolution(images: Tensor, kernels: Tensor) -> Task:
    """A convolution that leaves the images as large as they are."""
    return lambda: functional.conv2d(images, kernels, padding=1)


CHANNELS = Products(
    size=Factor("size", (64, *COMPUTING), label="channels"),
    levels=(TF32, FP32, BF16, FP16),
    operands=images_and_kernels,
    multiplication=convolution,
    several=lambda _: 1,
    what="a convolution",
)

EXPERIMENT = products_experiment(
    "How much faster is a large convolution in 16 bits, on a GPU?",
    CHANNELS,
    claims=(
        Claim(
            "C7.22",
            CHANNELS.time().along(CHANNELS.size, judged=COMPUTING),
            TWO_TO_FOUR_TIMES,
            reading=READING,
            needs="cuda",
        ),
        Beyond(
            "C7.22",
            CHANNELS.time().against(FP32).along(CHANNELS.size, judged=COMPUTING),
            TWO_TO_FOUR_TIMES,
            why="strict float32, which takes a setting of one's own for convolutions",
            needs="cuda",
        ),
    ),
    shown=256,
    alone=Alone(SECONDS_ALONE, at={"size": (256, 512)}),
    needs="cuda",
)
