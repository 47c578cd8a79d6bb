"""Does reading an image from disk happen when it is opened?

JPEG files of three sizes are opened, and opened and decoded, one after another. Their bytes are in
the system's cache, as they are when files have just been written or are read in a second epoch: the
time is that of the calls, not of the disk. How many bytes each call asks for is counted elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_least
from harness.figures import BLUE, by_block, draw_blocks, rounds_of
from studies.dataloader.files import ImageFolder, photo

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Width and height in pixels, and how many files: together 100.
SIZES = {"64 x 64": (64, 64), "256 x 256": (256, 256), "1024 x 768": (1024, 768)}
COUNTS = {"64 x 64": 60, "256 x 256": 36, "1024 x 768": 4}
HALF = 0.5

FILE = Factor("file", tuple(SIZES))
CALLS = Factor("until", ("opened", "decoded"), control="decoded")

CLAIMS = (
    Claim(
        "C1.06",
        Ratio("seconds", CALLS).at(until="opened").by_round(),
        at_least(HALF),
        reading="Where the read happens: opening takes at least half of the time of opening and "
        "decoding, for files of each size.",
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


def share_of_opening(table: pd.DataFrame) -> Figure:
    """Which share of the time opening takes, for each size of file."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, FILE, CALLS)
    shares = {name: by_block(rounds[name, "opened"] / rounds[name, "decoded"]) for name in SIZES}
    figure = Figure()
    axes = figure.subplots()
    for place, share in enumerate(shares.values()):
        draw_blocks(axes, place, share, colour=BLUE, width=0.15)
    axes.axhline(HALF, color="#666666", linestyle="--")
    axes.text(len(SIZES) - 0.6, HALF + 0.01, "half of the time", ha="right", va="bottom")
    medians = [100 * float(np.median(share)) for share in shares.values()]
    axes.set(
        title=f"Opening took {min(medians):.2g} to {max(medians):.2g} % of opening and decoding",
        xlabel=f"size of the JPEG files (processes measured: {table['block'].nunique()})",
        ylabel="opening / opening and decoding",
        ylim=(0, 1),
    )
    axes.set_xticks(range(len(shares)), list(shares))
    axes.margins(x=0.2)
    return figure


EXPERIMENT = Experiment(
    question="Does reading an image from disk happen when it is opened?",
    factors=(FILE, CALLS),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(5, 24, 80),
    aa=AA(within=0.05, at={"until": "decoded", "file": ("64 x 64", "1024 x 768")}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(share_of_opening,),
)
