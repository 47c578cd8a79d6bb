"""Is a training step faster when zero_grad drops the gradients than when it fills them with zeros?

Zeros have to be written, and the next gradient is added to them; dropped, it takes their place. But
then memory is given back and asked for again in every step, which costs what the allocator makes of
it. glibc's malloc gives large blocks back to the system or keeps them, by two thresholds: they are
set as a process ends up with once it has freed a block as large as its largest tensor (by default
they follow it), so low that every block of 128 kB or more is mapped anew, and so high that nothing
is given back. Whole steps of SGD are timed (forward, backward, step), with a learning rate of 0, so
that they are all alike. A GPU has an allocator of its own, to which these thresholds mean nothing.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_most
from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    by_block,
    draw_blocks,
    rounds_of,
    span,
)
from harness.libraries import functional, torch
from harness.workloads import tower

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

ZERO = Factor("zero", ("zeros", "None"), control="zeros")
#: Bytes of each of the two weight matrices: 4 kB, 256 kB, 4 MB.
WIDTHS = {"4 kB": 32, "256 kB": 256, "4 MB": 1024}
SIZE = Factor("size", tuple(WIDTHS))
ALLOCATOR = Factor("allocator", ("as it settles", "gives back", "keeps"))
ROWS = 8
FASTER = 0.98  # a step saves at least 2 % of its time
MARGIN = 0.01  # of the A/A: half of the distance between 1 and the edge

#: Of mallopt, in glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3

CLAIMS = (
    Claim(
        "C3.16",
        Ratio("seconds", ZERO).at(zero="None").by_round(),
        at_most(FASTER),
        reading="Slightly faster: a whole training step takes at least 2 % less time, with tensors "
        "of 4 kB, 256 kB and 4 MB, whatever the allocator does with memory that is given back.",
    ),
)


class Cell(NamedTuple):
    """Rows for each width."""

    rows: dict[str, Tensor]


def prepare(block: Block) -> Cell:
    """Normal numbers, which are input and target at once."""
    return Cell({name: torch.randn(ROWS, w, device=block.device) for name, w in WIDTHS.items()})


def task(cell: Cell, arm: Arm) -> Task:
    """A step of a network of its own: what .grad holds is the arm's."""
    x = cell.rows[arm[SIZE]]
    net = tower(2, WIDTHS[arm[SIZE]]).to(x.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    set_to_none = arm[ZERO] == "None"
    trim, mapped = thresholds(arm)
    mallopt = ctypes.CDLL(None).mallopt if x.device.type == "cpu" else lambda *_: None

    def step() -> None:
        mallopt(TRIM_THRESHOLD, trim)
        mallopt(MMAP_THRESHOLD, mapped)
        optimiser.zero_grad(set_to_none=set_to_none)
        functional.mse_loss(net(x), x).backward()
        optimiser.step()

    return step


def thresholds(arm: Arm) -> tuple[int, int]:
    """Free bytes at the top of the heap that are given back, and bytes that are mapped apart."""
    start = 128 * 1024  # glibc's initial value of both
    # Freeing a mapped block raises the second threshold to its size, and the first to twice that.
    largest = 4 * WIDTHS[arm[SIZE]] ** 2 + 2 * 4096
    return {
        "gives back": (start, start),
        "as it settles": (2 * max(start, largest), max(start, largest)),
        "keeps": (2**30, 2**25),  # 32 MiB is the highest that glibc takes for the second
    }[arm[ALLOCATOR]]


def time_of_a_step(table: pd.DataFrame) -> Figure:
    """The ratios of times, None over zeros, by size and allocator: every block and the median."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, ZERO, SIZE, ALLOCATOR)
    figure = Figure()
    axes = figure.subplots()
    axes.axhline(1, color=BLACK, linewidth=1.5)
    axes.axhline(FASTER, color=PURPLE, linestyle="--", label=f"{FASTER:g}, the claim's edge")
    medians = []
    for shift, allocator, colour in zip(
        (-0.25, 0.0, 0.25), ALLOCATOR.levels, (BLUE, ORANGE, GREEN), strict=True
    ):
        for place, size in enumerate(WIDTHS):
            label = None if place else f"allocator {allocator}"
            ratio = rounds["None", size, allocator] / rounds["zeros", size, allocator]
            values = by_block(ratio)
            medians.append(np.median(values))
            draw_blocks(axes, place + shift, values, colour=colour, width=0.08, label=label)
    axes.set_xticks(range(len(WIDTHS)), list(WIDTHS))
    axes.set_xlabel("size of each weight matrix")
    axes.set_ylabel("time of a step, zeros = 1")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    axes.set_title(
        f"With gradients set to None a step takes {span(medians)} times\n"
        f"as long as with zeros ({table['block'].nunique()} processes, 99 % intervals)"
    )
    return figure


EXPERIMENT = Experiment(
    question="Is a training step faster with gradients set to None than to zeros?",
    factors=(ZERO, SIZE, ALLOCATOR),
    blocks=PerProfile(1, 12, 24),
    rounds=PerProfile(5, 16, 80),
    aa=AA(within=MARGIN, at={"zero": "zeros"}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(time_of_a_step,),
)
