"""How much of a training step is waiting for data?

A small CNN is trained on 4 batches of 4 images that come from memory, small or large JPEG files on
the disk, or storage that makes one wait 2 ms for each example, loaded by no or by two workers; and
on a batch that is there already, as often. What the first takes longer than the second is waiting.

Whether such waiting wastes more accelerator hours than bad hyper-parameters is a question about
what people run. This is a proxy on one machine: it says how much can be lost, not how much is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Experiment, Factor, PerProfile, Task, Unmeasurable
from harness.figures import (
    BLUE,
    ORANGE,
    by_block,
    draw_blocks,
    measured_on,
    median_interval,
    rounds_of,
)
from harness.libraries import functional, nn, torch
from harness.workloads import convnet
from studies.dataloader.files import ImageFolder
from studies.dataloader.stores import (
    LARGE,
    MEMORY,
    SIDE,
    SMALL,
    WAITING,
    Epoch,
    Reader,
    open_reader,
    open_stores,
    write_files,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

BATCHES, BATCH = 4, 4
READY = "ready"
KINDS = (MEMORY, SMALL, LARGE, WAITING)

DATA = Factor(
    "data",
    (READY, *KINDS),
    control=READY,
    words={
        READY: "a batch that is there",
        SMALL: "JPEGs of 96 x 96 pixels",
        LARGE: "JPEGs of 800 x 600 pixels",
        WAITING: "storage that waits 2 ms",
    },
)
WORKERS = Factor("workers", (0, 2), control=0, words={0: "no workers", 2: "2 workers"})

CLAIMS = (
    Unmeasurable(
        "C1.01",
        needs="a survey of what accelerators do all day",
        why="which of two wastes is the larger depends on what people run and how often they "
        "choose badly; the share of a step spent waiting for data is measured beside it.",
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share; the files must be there as long as the loaders are."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    device: str
    readers: dict[int, Reader]
    folders: dict[str, ImageFolder]


def prepare(block: Block) -> Cell:
    """The network, the files and the loaders."""
    model = convnet((8, 16), 2).to(block.device)
    folders = write_files(block.seed)
    stores = open_stores(folders)
    sizes = dict.fromkeys(KINDS, BATCH)
    return Cell(
        model,
        torch.optim.SGD(model.parameters(), lr=1e-4),
        block.device,
        {n: open_reader(stores, Epoch(BATCHES, sizes), n) for n in WORKERS.levels},
        folders,
    )


def task(cell: Cell, arm: Arm) -> Task:
    """Train for an epoch, on batches as they come or on one that is there."""
    reader, data = cell.readers[arm[WORKERS]], arm[DATA]
    if data == READY:
        inputs, labels = next(reader.batches(KINDS[0]))
        return lambda: train(cell, [(inputs, labels)] * BATCHES)
    return lambda: train(cell, reader.batches(data))


def train(cell: Cell, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """A step on each batch."""
    for inputs, labels in batches:
        images = inputs.to(cell.device).view(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2) / 255
        cell.optimiser.zero_grad()
        functional.cross_entropy(cell.model(images), labels.to(cell.device)).backward()
        cell.optimiser.step()


def share_of_waiting(table: pd.DataFrame) -> Figure:
    """Which share of an epoch is waiting, by kind of data and number of workers."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, DATA, WORKERS)
    ready = rounds[READY, 0]
    figure = Figure()
    axes = figure.subplots()
    worst: tuple[float, str] = (-np.inf, "")
    for workers, colour, shift in ((0, ORANGE, -0.12), (2, BLUE, 0.12)):
        for place, kind in enumerate(KINDS):
            if (kind, workers) not in rounds:
                continue
            share = 100 * by_block(1 - ready / rounds[kind, workers])
            interval = median_interval(share)
            words = f"{interval.estimate:.0f} % of an epoch was waiting for data"
            within = f"99 % interval {interval.low:.0f} to {interval.high:.0f} %"
            where = f"{DATA.say(kind)}, {WORKERS.say(workers)}"
            worst = max(worst, (interval.estimate, f"{words} ({within})\nat worst: {where}"))
            label = WORKERS.say(workers) if place == 0 else None
            draw_blocks(axes, place + shift, share, colour=colour, width=0.08, label=label)
    blocks = table["block"].nunique()
    axes.set(
        title=worst[1],
        xlabel=f"where data come from ({measured_on(table)}; dots: {blocks} processes)",
        ylabel="waiting, % of the epoch",
    )
    axes.set_xticks(range(len(KINDS)), [DATA.say(kind).replace(" of ", "\nof ") for kind in KINDS])
    axes.set_ylim(min(-5, axes.get_ylim()[0]), 105)
    axes.margins(x=0.15)
    axes.legend(loc="upper left")
    return figure


def _needed(arm: Arm) -> bool:
    """A batch that is there needs no workers."""
    return arm[DATA] != READY or arm[WORKERS] == 0


EXPERIMENT = Experiment(
    question="How much of a training step is waiting for data?",
    factors=(DATA, WORKERS),
    only=_needed,
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(1, 4, 12),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.05, at={"data": READY}),
    prepare=prepare,
    task=task,
    call="an epoch of 4 steps",
    claims=CLAIMS,
    figures=(share_of_waiting,),
)
