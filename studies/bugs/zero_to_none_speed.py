"""Is a training step faster when zero_grad drops the gradients than when it fills them with zeros?

Zeros have to be written, and the next gradient is added to them; dropped, it takes their place. But
then memory is given back and asked for again in every step, which costs what the allocator makes of
it. Whole steps of SGD are timed (forward, backward, step), with a learning rate of 0, so that they
are all alike: a perceptron of two layers and batches of 32 rows.

The claim is judged from weight matrices of 256 kB on, which is where usual networks begin; smaller
ones are shown beside. glibc's malloc gives large blocks back to the system or keeps them, by two
thresholds. They are set as a process ends up with once it has freed a block as large as its largest
tensor (by default they follow it); how far that matters is shown by setting them so low that every
block of 128 kB or more is mapped anew, and so high that nothing is given back. A GPU has an
allocator of its own, to which these thresholds mean nothing.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    at_most,
)
from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    by_block,
    draw_blocks,
    measured_on,
    rounds_of,
    told,
)
from harness.libraries import functional, torch
from harness.workloads import tower, training_step

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

ZERO = Factor(
    "zero",
    ("zeros", "None"),
    control="zeros",
    words={"zeros": "gradients set to zero", "None": "gradients set to None"},
)
#: Width by size of each of the two weight matrices, in kB.
WIDTHS = {4: 32, 256: 256, 1024: 512, 4096: 1024}
SIZE = Factor(
    "size",
    tuple(WIDTHS),
    label="size of each weight matrix",
    words={
        4: "weight matrices of 4 kB",
        256: "weight matrices of 256 kB",
        1024: "weight matrices of 1 MB",
        4096: "weight matrices of 4 MB",
    },
)
USUAL = tuple(size for size in WIDTHS if size >= 256)
SETTLED = "as it settles"
ALLOCATOR = Factor(
    "allocator",
    (SETTLED, "gives back", "keeps"),
    words={
        SETTLED: "",
        "gives back": "allocator that gives memory back",
        "keeps": "allocator that keeps memory",
    },
)
ROWS = 32
FASTER = 0.98  # a step saves at least 2 % of its time
MARGIN = 0.01  # of the A/A: half of the distance between 1 and the edge

#: Of mallopt, in glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3

TIMES = Ratio("seconds", ZERO).at(zero="None").by_round()
CLAIMS = (
    Claim(
        "C3.16",
        TIMES.at(allocator=SETTLED).along(SIZE, judged=USUAL),
        at_most(FASTER),
        reading="Slightly faster: a whole training step takes at least 2 % less time when "
        "gradients are set to None than when they are filled with zeros.",
        headline={"size": 1024},
    ),
    Beyond(
        "C3.16",
        TIMES.at(allocator=("gives back", "keeps")),
        at_most(FASTER),
        why="settings of the memory allocator, of which the passage does not speak",
    ),
)


def in_the_design(arm: Arm) -> bool:
    """The allocator is varied at the ends of what is judged."""
    return arm[ALLOCATOR] == SETTLED or arm[SIZE] in (USUAL[0], USUAL[-1])


class Cell(NamedTuple):
    """Rows for each width."""

    rows: dict[int, Tensor]


def prepare(block: Block) -> Cell:
    """Normal numbers, which are input and target at once."""
    return Cell({size: torch.randn(ROWS, w, device=block.device) for size, w in WIDTHS.items()})


def task(cell: Cell, arm: Arm) -> Task:
    """A step of a network of its own: what .grad holds is the arm's."""
    x = cell.rows[arm[SIZE]]
    net = tower(2, WIDTHS[arm[SIZE]]).to(x.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    step = training_step(
        optimiser, lambda: functional.mse_loss(net(x), x), set_to_none=arm[ZERO] == "None"
    )
    trim, mapped = thresholds(arm)
    mallopt = ctypes.CDLL(None).mallopt if x.device.type == "cpu" else lambda *_: None

    def step_with_thresholds() -> None:
        mallopt(TRIM_THRESHOLD, trim)
        mallopt(MMAP_THRESHOLD, mapped)
        step()

    return step_with_thresholds


def thresholds(arm: Arm) -> tuple[int, int]:
    """Free bytes at the top of the heap that are given back, and bytes that are mapped apart."""
    start = 128 * 1024  # glibc's initial value of both
    # Freeing a mapped block raises the second threshold to its size, and the first to twice that.
    largest = 4 * WIDTHS[arm[SIZE]] ** 2 + 2 * 4096
    return {
        "gives back": (start, start),
        SETTLED: (2 * max(start, largest), max(start, largest)),
        "keeps": (2**30, 2**25),  # 32 MiB is the highest that glibc takes for the second
    }[arm[ALLOCATOR]]


def time_of_a_step(table: pd.DataFrame) -> Figure:
    """The ratios of times, None over zeros, along the size: every block and the median."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, ZERO, SIZE, ALLOCATOR)
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.axhline(1, color=BLACK, linewidth=1.5)
    axes.axhline(FASTER, color=PURPLE, linestyle="--", label=f"{FASTER:g}, the claim's edge")
    marks = zip((1.0, 0.82, 1.22), ALLOCATOR.levels, (BLUE, ORANGE, GREEN), strict=True)
    for shift, allocator, colour in marks:
        label = f"allocator {allocator}"
        for size in (size for size in WIDTHS if ("None", size, allocator) in rounds):
            ratios = ratio_of(rounds, size, allocator)
            draw_blocks(axes, size * shift, ratios, colour=colour, width=0.05, label=label)
            label = ""
    by_size = {size: ratio_of(rounds, size, SETTLED) for size in WIDTHS}
    medians = [float(np.median(ratios)) for ratios in by_size.values()]
    axes.plot(list(WIDTHS), medians, color=BLUE, linewidth=1.5)
    axes.set_xticks(list(WIDTHS), [f"{size:,}" for size in WIDTHS])
    axes.minorticks_off()
    axes.set_xlabel("size of each weight matrix (kB)")
    axes.set_ylabel("time of a step, zeros = 1")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    axes.set_title(
        f"With gradients set to None a step takes {told(by_size[1024], '.2f')}\ntimes as "
        f"long as with zeros, at 1 MB a weight matrix\n(dots: {table['block'].nunique()} "
        f"processes; {measured_on(table)})",
        fontsize=19,
    )
    return figure


def ratio_of(
    rounds: dict[tuple[Any, ...], pd.Series[float]], size: int, allocator: str
) -> NDArray[np.float64]:
    """The time with None over that with zeros, process by process."""
    return by_block(rounds["None", size, allocator] / rounds["zeros", size, allocator])


EXPERIMENT = Experiment(
    question="Is a training step faster with gradients set to None than to zeros?",
    factors=(ZERO, SIZE, ALLOCATOR),
    only=in_the_design,
    blocks=PerProfile(1, 12, 24),
    rounds=PerProfile(5, 16, 80),
    aa=AA(within=MARGIN, at={"zero": "zeros", "allocator": SETTLED}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(time_of_a_step,),
    call="a training step",
)
