"""How many workers load disk-heavy data fastest?

An epoch of 16 batches is loaded by 0, 1, 2, 4 and 8 workers from small JPEG files, large ones,
storage that makes one wait 2 ms for each example, and memory. The workers stay from one epoch to
the next: an epoch in practice is so long that their start does not count, and these are not. For
small JPEG files and two workers, the size of batches and of the queue is varied as well.

The rule of thumb is 4 to 8 workers. Which number is best is not fixed beforehand, so the claim is
held against all of them: each of 4 and 8 workers may take at most 10 % longer than any other. It
depends on the cores of the machine how many images can be decoded at one time; waiting needs no
core. Nothing is computed with the batches, which would take cores from the workers.

The A/A is about loading without workers: it watches the clock. How unevenly workers share the cores
shows in the intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_most
from harness.figures import BLUE, GREEN, ORANGE, PURPLE, by_block, draw_blocks, rounds_of
from studies.dataloader.files import ImageFolder
from studies.dataloader.stores import (
    KINDS,
    LARGE,
    MEMORY,
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
    import pandas as pd
    from matplotlib.figure import Figure

CLOSE = 1.10
BATCHES = 16
VARIED = 2
#: Examples of a batch.
SIZES = {MEMORY: 64, SMALL: 16, LARGE: 1, WAITING: 4}
#: What else a loader is told, and how many times as large its batches are.
SETTINGS: dict[str, tuple[dict[str, int], float]] = {
    "default": ({}, 1),
    "prefetch_factor=1": ({"prefetch_factor": 1}, 1),
    "prefetch_factor=8": ({"prefetch_factor": 8}, 1),
    "batches of 4": ({}, 1 / 4),
    "batches of 64": ({}, 4),
}
COLOURS = dict(zip(KINDS, (PURPLE, BLUE, ORANGE, GREEN), strict=True))

KIND = Factor("kind", KINDS)
WORKERS = Factor("workers", (0, 1, 2, 4, 8), control=0)
SETTING = Factor("setting", tuple(SETTINGS), control="default")
DISK_HEAVY = (SMALL, LARGE, WAITING)
ADVISED = (4, 8)

CLAIMS = tuple(
    Claim(
        "C1.21",
        Ratio("seconds", WORKERS)
        .at(kind=DISK_HEAVY, workers=advised, setting="default")
        .against(other)
        .by_round(),
        at_most(CLOSE),
        reading="Within 10 % of the best: an epoch with 4 workers, and one with 8, takes at most "
        "1.1 times as long as with any other number of workers, for each kind of storage.",
    )
    for advised in ADVISED
    for other in WORKERS.levels
    if other != advised
)


class Cell(NamedTuple):
    """What the arms of a block share: loaders by workers and setting, and the files."""

    readers: dict[tuple[int, str], Reader]
    folders: dict[str, ImageFolder]


def prepare(block: Block) -> Cell:
    """Write the files and make the loaders; workers start when first asked."""
    folders = write_files(block.seed)
    stores = open_stores(folders)
    readers = {
        (workers, setting): reader(stores, workers, setting)
        for workers in WORKERS.levels
        for setting in SETTING.levels
        if setting == "default" or workers == VARIED
    }
    return Cell(readers, folders)


def reader(stores: Stores, workers: int, setting: str) -> Reader:
    """A loader of epochs that have the same examples, whatever the size of their batches."""
    arguments, larger = SETTINGS[setting]
    sizes = {kind: max(round(size * larger), 1) for kind, size in SIZES.items()}
    return open_reader(stores, Epoch(round(BATCHES / larger), sizes), workers, **arguments)


def task(cell: Cell, arm: Arm) -> Task:
    """Load an epoch."""
    chosen, kind = cell.readers[arm[WORKERS], arm[SETTING]], arm[KIND]
    return lambda: chosen.read(kind)


def throughput_by_workers(table: pd.DataFrame) -> Figure:
    """Throughput against the number of workers for each kind of data; without workers it is 1."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table[table["setting"] == "default"], KIND, WORKERS)
    figure = Figure()
    axes = figure.subplots()
    axes.axvspan(2.6, 4.4, color="#EEEEEE")
    axes.text(3.5, 10, "rule of thumb", ha="center", color="#666666")
    best = []
    for kind, colour in COLOURS.items():
        gains = [by_block(rounds[kind, 0] / rounds[kind, n]) for n in WORKERS.levels]
        medians = [float(np.median(gain)) for gain in gains]
        best.append(f"{WORKERS.levels[int(np.argmax(medians))]} ({kind})")
        axes.plot(medians, color=colour, linewidth=1.5)
        alone = BATCHES * SIZES[kind] / float(rounds[kind, 0].median())
        for place, gain in enumerate(gains):
            label = f"{kind}: {alone:,.0f} a second without" if place == 0 else None
            draw_blocks(axes, place, gain, colour=colour, width=0.12, label=label)
    axes.set(
        title=f"Workers that load fastest: {', '.join(best[:2])},\n{', '.join(best[2:])}",
        xlabel=f"workers (processes measured: {table['block'].nunique()})",
        ylabel="throughput, without workers = 1",
        yscale="log",
    )
    axes.set_ylim(axes.get_ylim()[0] / 1.5, 24)  # room for the legend
    axes.set_xticks(range(len(WORKERS.levels)), [str(n) for n in WORKERS.levels])
    ticks = [0.125, 0.25, 0.5, 1, 2, 4, 8]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left")
    return figure


def throughput_by_setting(table: pd.DataFrame) -> Figure:
    """Throughput with other queues and other batches, for small files and two workers."""
    from matplotlib.figure import Figure

    varied = table[(table["kind"] == SMALL) & (table["workers"] == VARIED)]
    rounds = {setting: times for (setting,), times in rounds_of(varied, SETTING).items()}
    gains = {name: by_block(rounds["default"] / rounds[name]) for name in SETTING.levels}
    figure = Figure()
    axes = figure.subplots()
    for place, gain in enumerate(gains.values()):
        draw_blocks(axes, place, gain, colour=BLUE, width=0.15)
    axes.axhline(1, color="#666666", linewidth=1)
    medians = {name: float(np.median(gain)) for name, gain in gains.items()}
    worst = min(medians, key=medians.__getitem__)
    axes.set(
        title=f"{SMALL}, {VARIED} workers: {worst.replace('=', ' ')}\n"
        f"gave {medians[worst]:.2f} of the throughput of prefetch_factor 2 and "
        f"batches of {SIZES[SMALL]}",
        xlabel=f"processes measured: {table['block'].nunique()}",
        ylabel="throughput, default = 1",
    )
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(len(gains)), [name.replace("=", "\n") for name in gains])
    axes.margins(x=0.1)
    return figure


def _needed(arm: Arm) -> bool:
    """Settings are varied in one place."""
    return arm[SETTING] == "default" or (arm[KIND] == SMALL and arm[WORKERS] == VARIED)


EXPERIMENT = Experiment(
    question="How many workers load disk-heavy data fastest?",
    factors=(KIND, WORKERS, SETTING),
    only=_needed,
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(1, 3, 8),
    aa=AA(within=0.05, at={"kind": (SMALL, WAITING), "workers": 0}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(throughput_by_workers, throughput_by_setting),
)
