"""How much of an image file is read when it is opened, and how much when it is decoded?

JPEG files of three sizes are read through a raw file that counts what the system is asked for.
``Image.open`` reads the head of the file, in pieces as large as Python's buffer makes them; what
remains is read when the pixels are asked for.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from studies.dataloader.files import ImageFolder
from studies.dataloader.image_open import FILE, HALF, write_files

CLAIMS = (
    Claim(
        "C1.06",
        Value("read_by_open").always(),
        at_least(HALF),
        reading="Where the read happens: opening asks the system for at least half of the bytes "
        "of the file, for files of each size.",
    ),
    Control("in the end all is read", Value("read").always(), equals(1.0)),
)


class CountingFile(io.FileIO):
    """A raw file that counts the bytes the system gave."""

    count = 0

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - the buffer protocol has no type yet
        """Read and count."""
        read: int = super().readinto(buffer)
        self.count += read
        return read


def measure(folders: dict[str, ImageFolder], arm: Arm) -> Responses:
    """Shares of the bytes of all files of a size: after opening, and after decoding."""
    opened = decoded = size = 0
    for path in folders[arm[FILE]].paths:
        size += Path(path).stat().st_size
        raw = CountingFile(path)
        with io.BufferedReader(raw, buffer_size(path)) as file, Image.open(file) as image:
            opened += raw.count
            image.load()
            decoded += raw.count
    return {"read_by_open": opened / size, "read": decoded / size}


def buffer_size(path: str) -> int:
    """The buffer that ``open`` gives a file: it depends on the file system."""
    with Path(path).open("rb") as file:
        block: int = getattr(file.raw, "_blksize", io.DEFAULT_BUFFER_SIZE)
    return block


def prepare(block: Block) -> dict[str, ImageFolder]:
    """Write the files that are timed in the other experiment."""
    return write_files(block.seed)


EXPERIMENT = Experiment(
    question="How much of an image file is read when it is opened, and how much when decoded?",
    factors=(FILE,),
    blocks=PerProfile(1, 3, 10),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("read_by_open", "1", "read by open"),
        Response("read", "1", "read"),
    ),
    claims=CLAIMS,
)
