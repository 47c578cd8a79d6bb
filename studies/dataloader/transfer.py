"""Does pinned memory make the transfer to the GPU faster?

Batches of 0.125 to 256 MiB are copied into a tensor on the GPU, from pageable and from pinned
memory, blocking and non-blocking. The claim is judged on a batch of 32 images of 224 x 224 pixels,
as float32, copied and waited for, as the documents' loop does; by what the loop waits, with the
device synchronised before and after. Other sizes show where pinning pays, and non-blocking copies
are shown beside it: no passage asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    at_least,
)
from harness.figures import BLUE, ORANGE, by_block, draw_blocks, median_interval, rounds_of
from harness.libraries import torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

MIB = 2**20
FASTER = 1.05
#: 32 images of 3 x 224 x 224 numbers of 4 bytes.
IMAGES_MIB = 32 * 3 * 224 * 224 * 4 / MIB

MEMORY = Factor(
    "memory",
    ("pinned", "pageable"),
    control="pinned",
    words={"pinned": "pinned memory", "pageable": "pageable memory"},
)
NON_BLOCKING = Factor(
    "non_blocking", (False, True), words={False: "blocking", True: "non-blocking"}
)
MIBS = (0.125, 1.0, 4.0, IMAGES_MIB, 64.0, 256.0)
SIZE = Factor(
    "mib",
    MIBS,
    words={mib: f"{mib:g} MiB" for mib in MIBS} | {IMAGES_MIB: "32 images of 224 x 224 pixels"},
)

READING = "Faster: from pageable memory the copy takes at least 5 % longer than from pinned."

CLAIMS = (
    Claim(
        "C1.11",
        Ratio("seconds", MEMORY)
        .at(memory="pageable", non_blocking=False)
        .along(SIZE, judged=(IMAGES_MIB,))
        .by_round(),
        at_least(FASTER),
        reading=READING,
        headline={"mib": IMAGES_MIB},
    ),
    Beyond(
        "C1.11",
        Ratio("seconds", MEMORY)
        .at(memory="pageable", non_blocking=True, mib=IMAGES_MIB)
        .by_round(),
        at_least(FASTER),
        why="a non-blocking copy, which the listing does not ask for",
        reading=READING,
    ),
)


def prepare(block: Block) -> dict[tuple[str, float], tuple[Tensor, Tensor]]:
    """Where each copy comes from and where it goes, by kind of memory and size."""
    return {
        (memory, mib): (
            host_bytes(memory, mib),
            torch.empty(round(mib * MIB), dtype=torch.uint8, device=block.device),
        )
        for memory in MEMORY.levels
        for mib in SIZE.levels
    }


def host_bytes(memory: str, mib: float) -> Tensor:
    """So many bytes of the host's memory, which have been written: untouched pages do not exist."""
    content = torch.ones(round(mib * MIB), dtype=torch.uint8)
    return content.pin_memory() if memory == "pinned" else content


def task(buffers: dict[tuple[str, float], tuple[Tensor, Tensor]], arm: Arm) -> Task:
    """Copy a batch to the GPU."""
    source, target = buffers[arm[MEMORY], arm[SIZE]]
    non_blocking = arm[NON_BLOCKING]
    return lambda: target.copy_(source, non_blocking=non_blocking)


def bandwidth_by_size(table: pd.DataFrame) -> Figure:
    """Gigabytes a second against the size of a batch, from pinned and pageable memory."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, MEMORY, NON_BLOCKING, SIZE)
    figure = Figure()
    axes = figure.subplots()
    for memory, colour in (("pinned", BLUE), ("pageable", ORANGE)):
        for non_blocking, style, shift in ((False, "-", -0.1), (True, ":", 0.1)):
            speeds = {
                place + shift: by_block(mib * MIB / 1e9 / rounds[memory, non_blocking, mib])
                for place, mib in enumerate(SIZE.levels)
                if (memory, non_blocking, mib) in rounds
            }
            medians = [float(np.median(speed)) for speed in speeds.values()]
            label = f"{memory}, {NON_BLOCKING.say(non_blocking)}"
            axes.plot([*speeds], medians, style, color=colour, label=label)
            for place, speed in speeds.items():
                draw_blocks(axes, place, speed, colour=colour, width=0.06)
    gain = median_interval(
        by_block(rounds["pageable", False, IMAGES_MIB] / rounds["pinned", False, IMAGES_MIB])
    )
    axes.set(
        title=f"A batch of 32 images came {gain.estimate:.2f} times as fast from pinned memory\n"
        f"(99 % interval {gain.low:.2f} to {gain.high:.2f}; blocking copies)",
        xlabel=f"MiB copied to the GPU (dots: {table['block'].nunique()} processes)",
        ylabel="GB/s",
        ylim=(0, None),
    )
    axes.set_xticks(range(len(SIZE.levels)), [f"{mib:.3g}" for mib in SIZE.levels])
    axes.legend()
    return figure


EXPERIMENT = Experiment(
    question="Does pinned memory make the transfer to the GPU faster?",
    factors=(MEMORY, NON_BLOCKING, SIZE),
    blocks=PerProfile(1, 12, 20),
    rounds=PerProfile(5, 20, 40),
    aa=AA(within=0.025, at={"memory": "pinned", "non_blocking": False, "mib": (1.0, IMAGES_MIB)}),
    prepare=prepare,
    task=task,
    call="a copy to the GPU",
    claims=CLAIMS,
    figures=(bandwidth_by_size,),
    needs="cuda",
)
