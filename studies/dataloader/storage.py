"""Do 4 to 8 workers load image files from the disk as fast as any number?

An epoch of 16 batches is loaded by no worker, by 1, 2 and 16, and by the better of 4 and 8: the one
that was faster in a few epochs before the clock starts, as somebody would find out who was told "4
to 8". The files are JPEGs of 500 x 375 and of 800 x 600 pixels, which the system is asked to forget
as soon as they are read. Workers stay from one epoch to the next: an epoch in practice is so long
that their start does not count, and these are not. Nothing is computed with the batches, which
would take cores from the workers.

Which number is best is not fixed beforehand, so the rule of thumb is held against all of them. It
depends on the machine's cores how many images can be decoded at one time: the passage names no
number of cores, and the verdict speaks for the machine of the run. Tiny files, and storage that
makes one wait and keeps no core busy, are asked about elsewhere (``other_storage``).

The A/A is about loading without workers: it watches the clock. How unevenly workers share the cores
shows in the intervals.
"""

from __future__ import annotations

import time
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_most
from harness.figures import (
    BLUE,
    ORANGE,
    by_block,
    draw_blocks,
    median_interval,
    rounds_of,
)
from studies.dataloader.files import ImageFolder
from studies.dataloader.stores import (
    LARGE,
    MIDDLE,
    SMALL,
    WAITING,
    Epoch,
    Reader,
    Stores,
    open_reader,
    open_stores,
    write_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLOSE = 1.10
BATCHES = 16
#: Examples of a batch.
EXAMPLES = {SMALL: 8, MIDDLE: 1, LARGE: 1, WAITING: 2}
#: Epochs of each by which the better of the advised numbers is found.
TRIALS = 5

ADVISED = (4, 8)
NONE, ONE, TWO, BETTER, MANY = "none", "1", "2", "4 or 8", "16"
OTHERS = (NONE, ONE, TWO, MANY)

KIND = Factor(
    "kind",
    (MIDDLE, LARGE),
    words={MIDDLE: "JPEGs of 500 x 375 pixels", LARGE: "JPEGs of 800 x 600 pixels"},
)
WORKERS = Factor(
    "workers",
    (NONE, ONE, TWO, BETTER, MANY),
    control=NONE,
    words={
        NONE: "no workers",
        ONE: "1 worker",
        TWO: "2 workers",
        BETTER: "the better of 4 and 8 workers",
        MANY: "16 workers",
    },
)

READING = (
    "Within 10 % of the best: an epoch with the better of 4 and 8 workers takes at most 1.1 times "
    "as long as with any other number of workers, for files of either size."
)


def better_against(other: str) -> Ratio:
    """An epoch with the better of the advised numbers over one with another number."""
    return Ratio("seconds", WORKERS).at(workers=BETTER).against(other).by_round()


CLAIMS = tuple(
    Claim(
        "C1.21",
        better_against(other),
        at_most(CLOSE),
        reading=READING,
        headline={"kind": MIDDLE} if other == NONE else False,
    )
    for other in OTHERS
)


class Cell(NamedTuple):
    """What the arms of a block share: loaders by workers and kind, and the files."""

    readers: dict[tuple[str, str], Reader]
    folders: dict[str, ImageFolder]


def prepare(block: Block) -> Cell:
    """Write the files, make the loaders, and find the better of 4 and 8 workers for each kind."""
    return prepare_for(block, KIND.levels)


def prepare_for(block: Block, kinds: Iterable[str]) -> Cell:
    """The same for any kinds of storage."""
    folders = write_files(block.seed)
    stores = open_stores(folders)
    shared = {name: reader(stores, int(name.replace(NONE, "0"))) for name in OTHERS}
    advised = [reader(stores, workers) for workers in ADVISED]
    readers = {(name, kind): made for name, made in shared.items() for kind in kinds}
    return Cell(readers | {(BETTER, kind): faster(advised, kind) for kind in kinds}, folders)


def reader(stores: Stores, workers: int) -> Reader:
    """A loader of epochs; its workers start when first asked."""
    return open_reader(stores, Epoch(BATCHES, EXAMPLES), workers)


def faster(
    readers: Iterable[Reader], kind: str, clock: Callable[[], float] = time.perf_counter
) -> Reader:
    """The one with the shorter median epoch; they take turns, after an epoch that starts workers.

    Args:
        readers: to choose from.
        kind: what to read.
        clock: seconds.
    """
    readers = list(readers)
    lasted: dict[int, list[float]] = {which: [] for which in range(len(readers))}
    for each in readers:
        each.read(kind)
    for _ in repeat(None, TRIALS):
        for which, each in enumerate(readers):
            started = clock()
            each.read(kind)
            lasted[which].append(clock() - started)
    return readers[min(lasted, key=lambda which: float(np.median(lasted[which])))]


def task(cell: Cell, arm: Arm) -> Task:
    """Load an epoch."""
    kind = str(arm.as_dict()["kind"])
    chosen = cell.readers[arm[WORKERS], kind]
    return lambda: chosen.read(kind)


def throughput_by_workers(table: pd.DataFrame) -> Figure:
    """Throughput against the number of workers for files from the disk; without workers it is 1."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    draw_throughput(axes, table, KIND, {MIDDLE: BLUE, LARGE: ORANGE})
    axes.set_title(_finding(table))
    return figure


def _finding(table: pd.DataFrame) -> str:
    """The best other number against the better of 4 and 8, where that looks worst."""
    rounds = rounds_of(table, KIND, WORKERS)
    found = []
    for kind in KIND.levels:
        for other in OTHERS:
            if (kind, other) in rounds and (kind, BETTER) in rounds:
                ratio = by_block(rounds[kind, BETTER] / rounds[kind, other])
                found.append((median_interval(ratio), kind, other))
    if not found:
        return "The epochs that show 4 to 8 workers failed"
    worst, kind, other = max(found, key=lambda each: each[0].estimate)
    return (
        f"{KIND.say(kind)}: an epoch with the better of 4 and 8 workers took\n"
        f"{worst.estimate:.2f} times as long as with the best other number, {WORKERS.say(other)} "
        f"({worst.low:.2f} to {worst.high:.2f})"
    )


def draw_throughput(
    axes: Axes, table: pd.DataFrame, kinds: Factor[str], colours: dict[str, str]
) -> None:
    """A curve of throughput for each kind of storage, over the numbers of workers.

    Args:
        axes: where to draw.
        table: of an experiment with these kinds and ``WORKERS``.
        kinds: the factor.
        colours: by kind.
    """
    rounds = rounds_of(table, kinds, WORKERS)
    better = WORKERS.levels.index(BETTER)
    axes.axvspan(better - 0.4, better + 0.4, color="#EEEEEE")
    shifts = np.linspace(-0.06, 0.06, len(colours))
    for shift, (kind, colour) in zip(shifts.tolist(), colours.items(), strict=True):
        alone = rounds.get((kind, NONE))
        if alone is None:
            continue
        gains = {
            place + shift: by_block(alone / rounds[kind, workers])
            for place, workers in enumerate(WORKERS.levels)
            if (kind, workers) in rounds
        }
        medians = [float(np.median(gain)) for gain in gains.values()]
        axes.plot([*gains], medians, color=colour, linewidth=1.5)
        images = BATCHES * EXAMPLES[kind] / float(alone.median())
        for place, gain in gains.items():
            label = None if place > 0.5 else f"{kinds.say(kind)}: {images:,.0f} a second without"
            draw_blocks(axes, place, gain, colour=colour, width=0.05, label=label)
    axes.axhline(1, color="#666666", linewidth=1)
    blocks = table["block"].nunique()
    axes.set(
        xlabel=f"workers (CPU; dots: {blocks} processes)",
        ylabel="throughput, without workers = 1",
    )
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])  # room for the legend
    axes.set_xticks(range(len(WORKERS.levels)), ["none", "1", "2", "the better\nof 4 and 8", "16"])
    axes.legend(loc="upper left", fontsize=14)


EXPERIMENT = Experiment(
    question="Do 4 to 8 workers load image files from the disk as fast as any number?",
    factors=(KIND, WORKERS),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(1, 16, 24),
    aa=AA(within=0.05, at={"workers": NONE}),
    prepare=prepare,
    task=task,
    call="loading an epoch",
    claims=CLAIMS,
    figures=(throughput_by_workers,),
)
