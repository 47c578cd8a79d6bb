"""How many workers load tiny files fastest, and storage that makes one wait?

The same epochs as in ``storage``, of JPEG files of 96 x 96 pixels, whose bytes are a small part of
what an example costs, and of storage that makes one wait 2 ms for each example, which keeps no core
busy. Neither is what a passage means that speaks of images and audio on a disk: both are measured
by its rule and shown beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import AA, Beyond, Block, Experiment, Factor, PerProfile, at_most
from harness.figures import BLUE, GREEN, by_block, median_interval, rounds_of
from studies.dataloader.storage import (
    BETTER,
    CLOSE,
    NONE,
    OTHERS,
    READING,
    WORKERS,
    Cell,
    better_against,
    draw_throughput,
    prepare_for,
    task,
)
from studies.dataloader.stores import SMALL, WAITING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KIND = Factor(
    "kind",
    (SMALL, WAITING),
    words={SMALL: "JPEGs of 96 x 96 pixels", WAITING: "storage that waits 2 ms"},
)

CLAIMS = tuple(
    Beyond(
        "C1.21",
        better_against(other),
        at_most(CLOSE),
        why="tiny files, or waiting in place of reading",
        reading=READING,
    )
    for other in OTHERS
)


def prepare(block: Block) -> Cell:
    """Write the files, make the loaders, and find the better of 4 and 8 workers for each kind."""
    return prepare_for(block, KIND.levels)


def throughput_by_workers(table: pd.DataFrame) -> Figure:
    """Throughput against the number of workers; without workers it is 1."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    draw_throughput(axes, table, KIND, {SMALL: BLUE, WAITING: GREEN})
    axes.set_title(_finding(table))
    return figure


def _finding(table: pd.DataFrame) -> str:
    """What the better of 4 and 8 workers gain where all that an example costs is waiting."""
    rounds = rounds_of(table, KIND, WORKERS)
    if (WAITING, NONE) not in rounds or (WAITING, BETTER) not in rounds:
        return "The epochs of storage that waits failed"
    gain = median_interval(by_block(rounds[WAITING, NONE] / rounds[WAITING, BETTER]))
    within = f"{gain.low:.1f} to {gain.high:.1f}"
    return (
        "Storage that waits 2 ms: the better of 4 and 8 workers loaded\n"
        f"{gain.estimate:.1f} times as fast as none (99 % interval {within})"
    )


EXPERIMENT = Experiment(
    question="How many workers load tiny files fastest, and storage that makes one wait?",
    factors=(KIND, WORKERS),
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(1, 3, 12),
    aa=AA(within=0.05, at={"workers": NONE}),
    prepare=prepare,
    task=task,
    call="loading an epoch",
    claims=CLAIMS,
    figures=(throughput_by_workers,),
)
