"""How long does opening an image take, beside decoding it?

JPEG files of three sizes are opened, and opened and decoded, one after another. Their bytes are in
the system's cache, as they are when files have just been written or are read in a second epoch: the
time is that of the calls, not of the disk, and decides nothing about where a disk is read. That is
judged by the bytes that each call asks for (``image_bytes``).
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from harness import AA, Arm, Beyond, Block, Experiment, Factor, PerProfile, Ratio, Task, at_least
from studies.dataloader.files import ImageFolder, photo

#: Width and height in pixels, and how many files: together 100.
SIZES = {"64 x 64": (64, 64), "256 x 256": (256, 256), "1024 x 768": (1024, 768)}
COUNTS = {"64 x 64": 60, "256 x 256": 36, "1024 x 768": 4}
HALF = 0.5

FILE = Factor("file", tuple(SIZES), words={name: f"JPEGs of {name} pixels" for name in SIZES})
CALLS = Factor(
    "until",
    ("opened", "decoded"),
    control="decoded",
    words={"opened": "opening alone", "decoded": "opening and decoding"},
)

CLAIMS = (
    Beyond(
        "C1.06",
        Ratio("seconds", CALLS).at(until="opened").by_round(),
        at_least(HALF),
        why="the time of opening and decoding files that are in the system's cache",
        reading="Opening takes at least half of the time of opening and decoding.",
    ),
)


def write_files(seed: int) -> dict[str, ImageFolder]:
    """A folder of files for each size."""
    return {
        name: ImageFolder(photo(seed + i, *size) for i in range(COUNTS[name]))
        for name, size in SIZES.items()
    }


def prepare(block: Block) -> dict[str, ImageFolder]:
    """Write the files."""
    return write_files(block.seed)


def task(folders: dict[str, ImageFolder], arm: Arm) -> Task:
    """Open all files of a size, and decode them or not."""
    paths, decode = folders[arm[FILE]].paths, arm[CALLS] == "decoded"
    return lambda: open_all(paths, decode=decode)


def open_all(paths: Sequence[str], *, decode: bool) -> None:
    """Open images one after another, and decode them if asked to."""
    for path in paths:
        with Image.open(path) as image:
            if decode:
                image.load()


EXPERIMENT = Experiment(
    question="How long does opening an image take, beside decoding it?",
    factors=(FILE, CALLS),
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(4, 8, 40),
    aa=AA(within=0.05, at={"until": "decoded", "file": ("64 x 64", "1024 x 768")}),
    prepare=prepare,
    task=task,
    call="reading some files",
    claims=CLAIMS,
)
