"""Does pinned memory make the transfer to the GPU faster?

Batches of 1 to 256 MiB are copied into a tensor on the GPU, from pageable and from pinned memory,
blocking and non-blocking. The claim is judged on the device's own time: a copy from pageable memory
is made in pieces, by way of a pinned buffer of the driver's, and that time includes all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_least
from harness.figures import BLUE, ORANGE, by_block, draw_blocks, rounds_of
from harness.libraries import torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

MIB = 2**20
FASTER = 1.2

MEMORY = Factor("memory", ("pinned", "pageable"), control="pinned")
NON_BLOCKING = Factor("non_blocking", (False, True))
SIZE = Factor("mib", (1, 4, 16, 64, 256))

CLAIMS = (
    Claim(
        "C1.11",
        Ratio("device_seconds", MEMORY).at(memory="pageable", mib=(16, 64, 256)).by_round(),
        at_least(FASTER),
        reading="Faster: from pageable memory a copy of 16 MiB or more takes at least 1.2 times as "
        "long, blocking or not. Smaller copies are recorded and not judged.",
    ),
)


def prepare(block: Block) -> dict[tuple[str, int], tuple[Tensor, Tensor]]:
    """Where each copy comes from and where it goes, by kind of memory and size."""
    return {
        (memory, mib): (
            host_bytes(memory, mib),
            torch.empty(mib * MIB, dtype=torch.uint8, device=block.device),
        )
        for memory in MEMORY.levels
        for mib in SIZE.levels
    }


def host_bytes(memory: str, mib: int) -> Tensor:
    """So many bytes of the host's memory, which have been written: untouched pages do not exist."""
    content = torch.ones(mib * MIB, dtype=torch.uint8)
    return content.pin_memory() if memory == "pinned" else content


def task(buffers: dict[tuple[str, int], tuple[Tensor, Tensor]], arm: Arm) -> Task:
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
    medians = {}
    for memory, colour in (("pinned", BLUE), ("pageable", ORANGE)):
        for non_blocking, style, shift in ((False, "-", -0.1), (True, ":", 0.1)):
            speeds = [
                by_block(mib * MIB / 1e9 / rounds[memory, non_blocking, mib]) for mib in SIZE.levels
            ]
            medians[memory, non_blocking] = [float(np.median(speed)) for speed in speeds]
            places = np.arange(len(speeds)) + shift
            label = f"{memory}, {'non-' if non_blocking else ''}blocking"
            axes.plot(places, medians[memory, non_blocking], style, color=colour, label=label)
            for place, speed in zip(places, speeds, strict=True):
                draw_blocks(axes, place, speed, colour=colour, width=0.06)
    gain = medians["pinned", False][-1] / medians["pageable", False][-1]
    axes.set(
        title=f"{SIZE.levels[-1]} MiB: {gain:.1f} times as fast from pinned memory, blocking",
        xlabel=f"MiB copied to the GPU (processes measured: {table['block'].nunique()})",
        ylabel="GB/s",
        ylim=(0, None),
    )
    axes.set_xticks(range(len(SIZE.levels)), [str(mib) for mib in SIZE.levels])
    axes.legend()
    return figure


EXPERIMENT = Experiment(
    question="Does pinned memory make the transfer to the GPU faster?",
    factors=(MEMORY, NON_BLOCKING, SIZE),
    blocks=PerProfile(1, 12, 20),
    rounds=PerProfile(5, 20, 40),
    aa=AA(within=0.1, at={"memory": "pinned", "non_blocking": False, "mib": (16, 256)}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(bandwidth_by_size,),
    needs="cuda",
)
