"""How much of an image file is read when it is opened, and how much when it is decoded?

JPEG files of several sizes are read through a raw file that counts what the system is asked for, by
``Image.open`` and by decoding, in pieces as large as Python's buffer makes them. The verdict is
that of files of usual size, 50 kB or more; tiny ones, which fit the buffer, are shown beside it.
"""

from __future__ import annotations

import io
from pathlib import Path
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
    at_least,
    equals,
)
from harness.figures import BLUE, draw_blocks, span
from studies.dataloader.files import ImageFolder, photo

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Width and height in pixels, and how many files.
SIZES = {
    "64 x 64": (64, 64),
    "256 x 256": (256, 256),
    "640 x 480": (640, 480),
    "1024 x 768": (1024, 768),
}
COUNT = 8
TINY, USUAL = ("64 x 64", "256 x 256"), ("640 x 480", "1024 x 768")
HALF = 0.5

FILE = Factor("file", tuple(SIZES), words={name: f"JPEGs of {name} pixels" for name in SIZES})

CLAIMS = (
    Claim(
        "C1.06",
        Value("read_by_open").at(file=USUAL).always(),
        at_least(HALF),
        reading="Where the read happens: opening asks the system for at least half of the bytes "
        "of files of 50 kB or more.",
        headline={"file": "640 x 480"},
    ),
    Beyond(
        "C1.06",
        Value("read_by_open").at(file=TINY).always(),
        at_least(HALF),
        why="files of a few kB, which fit the buffer that any read fills",
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

    def readall(self) -> bytes:
        """Read what is left and count."""
        rest: bytes = super().readall()
        self.count += len(rest)
        return rest


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
    return {
        "read_by_open": opened / size,
        "read": decoded / size,
        "kilobytes": size / 1000 / len(folders[arm[FILE]].paths),
    }


def buffer_size(path: str) -> int:
    """The buffer that ``open`` gives a file: it depends on the file system."""
    with Path(path).open("rb") as file:
        block: int = getattr(file.raw, "_blksize", io.DEFAULT_BUFFER_SIZE)
    return block


def prepare(block: Block) -> dict[str, ImageFolder]:
    """A folder of files for each size."""
    return {
        name: ImageFolder(photo(block.seed + i, *size) for i in range(COUNT))
        for name, size in SIZES.items()
    }


def share_read_by_open(table: pd.DataFrame) -> Figure:
    """Which share of a file has been read when it is open, by the size of the file."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    shares = {}
    for place, name in enumerate(FILE.levels):
        rows = table[(table["file"] == name) & (table["response"] == "read_by_open")]
        shares[name] = 100 * rows["value"].to_numpy()
        draw_blocks(axes, place, shares[name], colour=BLUE, width=0.15)
    axes.axhline(100 * HALF, color="#666666", linestyle="--")
    axes.text(len(SIZES) - 0.6, 100 * HALF + 1, "half of the file", ha="right", va="bottom")
    sizes = table[table["response"] == "kilobytes"].groupby("file")["value"].median()
    usual = USUAL[0]
    read, sets = span(shares[usual], ".2g"), table["block"].nunique()
    axes.set(
        title=f"Opening a JPEG of {sizes[usual]:.0f} kB read {read} % of it, decoding the rest\n"
        f"({sets} sets of {COUNT} files)",
        xlabel="JPEG files (dots: sets of files)",
        ylabel="read when the file is open, %",
        ylim=(0, 105),
    )
    ticks = [f"{name} pixels\n{sizes[name]:.0f} kB" for name in FILE.levels]
    axes.set_xticks(range(len(SIZES)), ticks)
    axes.margins(x=0.2)
    return figure


EXPERIMENT = Experiment(
    question="How much of an image file is read when it is opened, and how much when decoded?",
    factors=(FILE,),
    blocks=PerProfile(1, 3, 10),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("read_by_open", "1", "the share of a file that has been read when it is open"),
        Response("read", "1", "the share of a file that has been read when it is decoded"),
        Response("kilobytes", "kB", "the mean size of the files"),
    ),
    claims=CLAIMS,
    figures=(share_read_by_open,),
)
