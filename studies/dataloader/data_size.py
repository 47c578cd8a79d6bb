"""Does memory grow with the size of the data set that is trained on?

A linear classifier is trained for an epoch on JPEG files of 64 x 64 pixels, which a data set opens
and decodes one by one. The list of paths is of 1,000, 4,000 or 16,000 images; decoded to float32,
as the network takes them, the largest is 750 MiB. Measured is how far the process's resident memory
rises above what it was. The control keeps all batches instead of discarding them: there memory must
grow by the size of the data, or the meter sees nothing.

The paths name 200 files over and over. The process cannot tell: every path is opened and decoded
anew, and what the system caches of files is not the process's memory. The verdicts speak for
loading in the training process; worker processes have memory of their own.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Region,
    Response,
    Responses,
    at_most,
    equals,
)
from harness.figures import BLUE, ORANGE, draw_blocks
from harness.libraries import functional, nn, torch
from harness.meters import resident_peak
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

SIDE, FILES, BATCH, CLASSES = 64, 200, 8, 10
MIB = 2**20
IMAGE_MIB = 3 * SIDE * SIDE * 4 / MIB
SHARE = 0.01

IMAGES = Factor("images", (1000, 4000, 16000), control=1000)
BATCHES = Factor("batches", ("discarded", "kept"), control="discarded")


def grown(images: int, batches: str) -> Difference:
    """How much more memory so many images take than the least number."""
    return Difference("grown", IMAGES).at(images=images, batches=batches)


def data_mib(images: int) -> float:
    """How much larger the decoded data are than with the least number of images."""
    return (images - 1000) * IMAGE_MIB


def all_of_it(images: int) -> Region:
    """Growth by the size of the data, to 20 %."""
    return equals(data_mib(images), within=0.2 * data_mib(images))


CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            "C0.15",
            grown(images, "discarded").always(),
            at_most(SHARE * data_mib(images)),
            reading="Peak resident memory grows by at most 1 % of the size of the decoded data.",
        )
        for images in (4000, 16000)
    ),
    Control(
        "memory grows with the data where batches are kept",
        grown(4000, "kept").always(),
        all_of_it(4000),
    ),
)


class Photos:
    """Image files with a label, opened and decoded when asked for."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.paths[index]) as image:
            pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        return pixels / 255, index % CLASSES


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    folder: ImageFolder


def prepare(block: Block) -> Cell:
    """Write the files, and train once on few of them, which loads what is loaded only once."""
    cell = Cell(block, ImageFolder(photo(block.seed + i, SIDE, SIDE) for i in range(FILES)))
    train_epoch(cell, FILES, keep=False)
    return cell


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train for an epoch and watch the peak."""
    give_back()
    with resident_peak() as resident:
        train_epoch(cell, arm[IMAGES], keep=arm[BATCHES] == "kept")
    return {"grown": resident.grown_bytes / MIB}


def give_back() -> None:
    """Let the C library return what earlier arms have freed; elsewhere than with glibc, hope."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def train_epoch(cell: Cell, images: int, *, keep: bool) -> None:
    """An epoch of a linear classifier on so many images."""
    paths = [f"{cell.folder.paths[i % FILES]}" for i in range(images)]
    device = cell.block.device
    model = nn.Linear(3 * SIDE * SIDE, CLASSES).to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001)
    kept: list[Any] = []
    for inputs, labels in make_loader(Photos(paths), batch_size=BATCH, shuffle=True):
        optimiser.zero_grad()
        functional.cross_entropy(model(inputs.to(device)), labels.to(device)).backward()
        optimiser.step()
        if keep:
            kept.append(inputs)


def memory_against_data(table: pd.DataFrame) -> Figure:
    """Growth of memory against the size of the data, batches discarded or kept."""
    from matplotlib.figure import Figure

    growth = table.groupby(["batches", "images"])["value"].median()
    largest = max(IMAGES.levels)
    figure = Figure()
    axes = figure.subplots()
    axes.set(
        title=f"An epoch over {largest * IMAGE_MIB:.0f} MiB of images took "
        f"{growth['discarded', largest]:.0f} MiB more memory",
        xlabel="size of the data set, decoded to float32 (MiB)",
        ylabel="growth of the process's memory (MiB)",
        xscale="log",
        yscale="log",
    )
    sizes = [images * IMAGE_MIB for images in IMAGES.levels]
    axes.plot(sizes, sizes, ":", color="#888888")
    axes.text(sizes[-1], sizes[-1] * 1.2, "as large as the data", ha="right", va="bottom")
    axes.set_ylim(0.7, 2000)
    for batches, colour in (("discarded", BLUE), ("kept", ORANGE)):
        for images in sorted(set(table.loc[table["batches"] == batches, "images"])):
            rows = table[(table["batches"] == batches) & (table["images"] == images)]
            draw_blocks(
                axes,
                images * IMAGE_MIB,
                rows["value"].to_numpy().clip(0.1),
                colour=colour,
                width=0.04,
                label=f"batches {batches}" if images == IMAGES.control else None,
            )
    ticks = [
        f"{size:.0f}\n{images:,} images" for size, images in zip(sizes, IMAGES.levels, strict=True)
    ]
    axes.set_xticks(sizes, ticks)
    axes.set_xticks([], minor=True)
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axes.legend(title=f"blocks, each in a process of its own: {table['block'].nunique()}")
    return figure


def _needed(arm: Arm) -> bool:
    """The largest data set is not kept: not every machine could."""
    return arm[BATCHES] == "discarded" or arm[IMAGES] < 16000


EXPERIMENT = Experiment(
    question="Does memory grow with the size of the data set that is trained on?",
    factors=(IMAGES, BATCHES),
    only=_needed,
    blocks=PerProfile(1, 3, 8),
    prepare=prepare,
    measure=measure,
    responses=(Response("grown", "MiB", "grown"),),
    claims=CLAIMS,
    figures=(memory_against_data,),
    fresh_process=True,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
)
