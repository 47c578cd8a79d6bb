"""Can a data set that opens image files feed a DataLoader as it stands?

The data set opens a file, transforms the image if it was given a transform, and returns it with its
label. It reads JPEG files of one size, which are all in colour, all in grey, or of both kinds, as
collections from the web are. Counted is the share of a batch's images that arrives: all or none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

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
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

BATCH, SIDE = 16, 24
MODES = {"colour": ("RGB",), "grey": ("L",), "colour and grey": ("RGB", "L")}

TRANSFORM = Factor("transform", ("none", "to tensor", "to colour and tensor"))
FILES = Factor("files", tuple(MODES))

CLAIMS = (
    Claim(
        "C1.07",
        Value("delivered").at(transform=("none", "to tensor")).always(),
        equals(1.0),
        reading="As listed: a transform is optional, images are taken in the mode of their file. "
        "The batch must arrive whole with each kind of file.",
    ),
    Control(
        "a transform that makes all images alike is always enough",
        Value("delivered").at(transform="to colour and tensor").always(),
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


def to_colour_and_tensor(image: Image.Image) -> Tensor:
    """The same with three channels, whatever the file has."""
    return to_tensor(image.convert("RGB"))


TRANSFORMS: dict[str, Callable[[Image.Image], Tensor] | None] = {
    "none": None,
    "to tensor": to_tensor,
    "to colour and tensor": to_colour_and_tensor,
}


def prepare(block: Block) -> dict[str, ImageFolder]:
    """A folder of files for each kind."""
    return {
        kind: ImageFolder(
            photo(block.seed + i, SIDE, SIDE, modes[i % len(modes)]) for i in range(BATCH)
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
    """The share of a batch's images that arrive; a loader that raises delivers nothing."""
    try:
        inputs, _ = next(iter(make_loader(images, batch_size=BATCH)))
    except Exception:  # noqa: BLE001 - that the loader cannot make a batch is what is measured
        return 0.0
    return len(inputs) / BATCH


EXPERIMENT = Experiment(
    question="Can a data set that opens image files feed a DataLoader as it stands?",
    factors=(TRANSFORM, FILES),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(Response("delivered", "1", "delivered"),),
    claims=CLAIMS,
)
