"""Does memory grow with the size of the data set that is trained on?

A linear classifier is trained for an epoch on JPEG files of 64 x 64 pixels, which a data set opens
and decodes one by one. The list of paths is of 500, 2,000 or 8,000 images; decoded to float32, as
the network takes them, the largest is 375 MiB. A GPU is allowed 256 MiB, so that training on the
largest could not end if its data had to be there at one time. Measured is the most that tensors
take on the device at one time, by its allocator's own count, while the data grow 16-fold.

The passage speaks of a GPU, and is judged there. Beside it stands how far the resident memory of
the whole process rises, in an epoch of its own. The control keeps all batches on the device instead
of dropping them: there memory must grow by the size of the data, or the meter sees nothing.

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

import numpy as np
from PIL import Image

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Region,
    Response,
    Responses,
    at_most,
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, draw_blocks, span
from harness.libraries import functional, nn, torch
from harness.meters import allocator_peak, resident_peak
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

SIDE, FILES, BATCH, CLASSES = 64, 200, 8, 10
MIB = 2**20
IMAGE_MIB = 3 * SIDE * SIDE * 4 / MIB
#: What a GPU is allowed: less than the largest data, more than those that are kept.
ALLOWED_MIB = 256
SHARE, SAME = 0.01, 0.02

FEWEST, MORE, MOST = COUNTS = (500, 2000, 8000)
IMAGES = Factor(
    "images", COUNTS, control=FEWEST, words={count: f"{count:,} images" for count in COUNTS}
)
DROPPED, KEPT = "dropped", "kept"
BATCHES = Factor(
    "batches",
    (DROPPED, KEPT),
    control=DROPPED,
    words={DROPPED: "batches dropped after use", KEPT: "batches kept"},
)


def data_mib(images: int) -> float:
    """How much larger the decoded data are than with the least number of images."""
    return (images - FEWEST) * IMAGE_MIB


def all_of_it(images: int) -> Region:
    """Growth by the size of the data, to 20 %."""
    return equals(data_mib(images), within=0.2 * data_mib(images))


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C0.15",
        Ratio("peak", IMAGES).at(images=MOST, batches=DROPPED).always(),
        between(1 - SAME, 1 + SAME),
        reading=f"With {MOST // FEWEST} times the data, more than the GPU is allowed, training "
        "takes the same memory on it, within 2 %.",
        needs="cuda",
        headline=True,
    ),
    *(
        Beyond(
            "C0.15",
            Difference("grown", IMAGES).at(images=images, batches=DROPPED).always(),
            at_most(SHARE * data_mib(images)),
            why="memory of the whole process on the host, where the passage speaks of the GPU's",
            reading="Peak resident memory grows by at most 1 % of the size of the decoded data.",
        )
        for images in (MORE, MOST)
    ),
    Control(
        "memory grows with the data where batches are kept",
        Difference("peak", IMAGES).at(images=MORE, batches=KEPT).always(),
        all_of_it(MORE),
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
    if block.device == "cuda":
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction(ALLOWED_MIB * MIB / total)
    cell = Cell(block, ImageFolder(photo(block.seed + i, SIDE, SIDE) for i in range(FILES)))
    train_epoch(cell, FILES, keep=False)
    return cell


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train for an epoch and watch the process; train for another and watch the device."""
    keep = arm[BATCHES] == KEPT
    give_back()
    with resident_peak() as resident:
        train_epoch(cell, arm[IMAGES], keep=keep)
    with allocator_peak(cell.block.device) as allocated:
        train_epoch(cell, arm[IMAGES], keep=keep)
    return {"grown": resident.grown_bytes / MIB, "peak": allocated.peak_bytes / MIB}


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
    for images_in_memory, labels in make_loader(Photos(paths), batch_size=BATCH, shuffle=True):
        inputs = images_in_memory.to(device)
        optimiser.zero_grad()
        functional.cross_entropy(model(inputs), labels.to(device)).backward()
        optimiser.step()
        if keep:
            kept.append(inputs)


def memory_against_data(table: pd.DataFrame) -> Figure:
    """The most that tensors take against the size of the data, batches dropped or kept."""
    from matplotlib.figure import Figure

    table = table[table["response"] == "peak"]
    peaks: dict[tuple[Any, ...], NDArray[np.float64]] = {
        key: rows["value"].to_numpy() for key, rows in table.groupby(["batches", "images"])
    }
    figure = Figure()
    axes = figure.subplots()
    axes.set(
        title=_finding(peaks),
        xlabel="size of the data set, decoded to float32 (MiB)",
        ylabel="most that tensors take at one time (MiB)",
        xscale="log",
        yscale="log",
    )
    sizes = [images * IMAGE_MIB for images in COUNTS]
    axes.plot(sizes, sizes, ":", color="#888888")
    axes.text(sizes[-1], sizes[-1] * 1.2, "as large as the data", ha="right", va="bottom")
    for batches, colour in ((DROPPED, BLUE), (KEPT, ORANGE)):
        places = [images for images in COUNTS if (batches, images) in peaks]
        for images in places:
            draw_blocks(
                axes,
                images * IMAGE_MIB,
                peaks[batches, images],
                colour=colour,
                width=0.04,
                label=BATCHES.say(batches) if images == places[0] else None,
            )
    axes.set_ylim(0.7, 1000)
    ticks = [f"{size:.0f}\n{n:,} images" for size, n in zip(sizes, COUNTS, strict=True)]
    axes.set_xticks(sizes, ticks)
    axes.set_xticks([], minor=True)
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axes.legend(title=f"dots: {table['block'].nunique()} processes")
    return figure


def _finding(peaks: dict[tuple[Any, ...], NDArray[np.float64]]) -> str:
    """How much more memory the largest data take than the smallest."""
    few, many = peaks.get((DROPPED, FEWEST)), peaks.get((DROPPED, MOST))
    if few is None or many is None:
        return "Memory by the size of the data: the epochs that show it failed"
    ratios = np.sort(many) / np.sort(few)
    return (
        f"{MOST // FEWEST} times the data took {np.median(ratios):.2f} times the memory\n"
        f"({span(ratios)} in {len(ratios)} processes)"
    )


def _needed(arm: Arm) -> bool:
    """The largest data set is not kept: not every machine could."""
    return arm[BATCHES] == DROPPED or arm[IMAGES] < MOST


EXPERIMENT = Experiment(
    question="Does memory grow with the size of the data set that is trained on?",
    factors=(IMAGES, BATCHES),
    only=_needed,
    blocks=PerProfile(1, 3, 8),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("grown", "MiB", "the growth of the process's resident memory"),
        Response("peak", "MiB", "the most that tensors take on the device at one time"),
    ),
    claims=CLAIMS,
    figures=(memory_against_data,),
    fresh_process=True,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
)
