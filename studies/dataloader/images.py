"""Can a data set that opens image files and transforms them feed a DataLoader?

The data set opens a file, transforms the image if it was given a transform, and returns it with its
label. It reads JPEG files of several sizes, which are all in colour, all in grey, or of both kinds,
as collections from the web are. Counted is the share of a batch's images that arrives as a tensor.

The passage speaks of transforms that resize and make tensors, and shows no grey images: that is
judged. The listing's default, no transform at all, a transform that leaves sizes as they are, and
grey images are measured by the same rule and shown beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness import (
    Arm,
    Beyond,
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
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

BATCH, SIDE = 16, 24
#: Width and height of the files, in turn.
SIZES = ((24, 24), (32, 24), (24, 40))
MODES = {"colour": ("RGB",), "grey": ("L",), "colour and grey": ("RGB", "L")}

NONE, TO_TENSOR, RESIZED, ALIKE = (
    "no transform",
    "made tensors, not resized",
    "resized and made tensors",
    "resized, made colour and made tensors",
)
TRANSFORM = Factor("transform", (NONE, TO_TENSOR, RESIZED, ALIKE))
FILES = Factor("files", tuple(MODES), words={kind: f"{kind} images" for kind in MODES})

CLAIMS = (
    Claim(
        "C1.07",
        Value("delivered").at(transform=RESIZED, files="colour").always(),
        equals(1.0),
        reading="A batch of colour images, which a transform resizes and makes tensors, arrives "
        "whole.",
        headline=True,
    ),
    Beyond(
        "C1.07",
        Value("delivered").at(transform=(NONE, TO_TENSOR)).always(),
        equals(1.0),
        why="no transform, or one that leaves images of several sizes",
    ),
    Beyond(
        "C1.07",
        Value("delivered").at(transform=RESIZED, files=("grey", "colour and grey")).always(),
        equals(1.0),
        why="grey images, of which the passage does not speak",
    ),
    Control(
        "a transform that makes all images alike is always enough",
        Value("delivered").at(transform=ALIKE).always(),
        equals(1.0),
    ),
)


class Images:
    """Opens a file, transforms the image if it has a transform, returns it with its label."""

    def __init__(
        self, paths: Sequence[str], transform: Callable[[Image.Image], object] | None
    ) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image: Any = Image.open(self.paths[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, index % 2


def to_tensor(image: Image.Image) -> Tensor:
    """Channels first, numbers from 0 to 1."""
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.view(image.height, image.width, -1).permute(2, 0, 1) / 255


def resized_to_tensor(image: Image.Image) -> Tensor:
    """The same of an image of one size, whatever the file has."""
    return to_tensor(image.resize((SIDE, SIDE)))


def alike_to_tensor(image: Image.Image) -> Tensor:
    """The same with three channels, whatever the file has."""
    return resized_to_tensor(image.convert("RGB"))


TRANSFORMS: dict[str, Callable[[Image.Image], Tensor] | None] = {
    NONE: None,
    TO_TENSOR: to_tensor,
    RESIZED: resized_to_tensor,
    ALIKE: alike_to_tensor,
}


def prepare(block: Block) -> dict[str, ImageFolder]:
    """A folder of files for each kind."""
    return {
        kind: ImageFolder(
            photo(block.seed + i, *SIZES[i % len(SIZES)], modes[i % len(modes)])
            for i in range(BATCH)
        )
        for kind, modes in MODES.items()
    }


def measure(folders: dict[str, ImageFolder], arm: Arm) -> Responses:
    """Ask for one batch."""
    images = Images(folders[arm[FILES]].paths, TRANSFORMS[arm[TRANSFORM]])
    with warnings.catch_warnings():
        # Images that nobody decodes leave their files open until they are gone themselves.
        warnings.simplefilter("ignore", ResourceWarning)
        return {"delivered": delivered(images)}


def delivered(images: Images) -> float:
    """The share of a batch's images that arrive in a tensor; a loader that raises brings none."""
    try:
        inputs, _ = next(iter(make_loader(images, batch_size=BATCH)))
    except Exception:  # noqa: BLE001 - that the loader cannot make a batch is what is measured
        return 0.0
    return len(inputs) / BATCH if isinstance(inputs, torch.Tensor) else 0.0


EXPERIMENT = Experiment(
    question="Can a data set that opens image files and transforms them feed a DataLoader?",
    factors=(TRANSFORM, FILES),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(Response("delivered", "1", "the share of a batch's images that arrives"),),
    claims=CLAIMS,
)
