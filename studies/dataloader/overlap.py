"""Can a copy to the GPU be hidden behind computing?

64 MiB are copied to the GPU while it multiplies matrices: on the stream that multiplies, or on one
of its own, from pinned or pageable memory, blocking or not. The products are given to the GPU
first, as in a training loop that fetches the next batch while it works on this one. Beside it, the
copy alone and the products alone. If nothing overlaps, both take the sum of the two; if the copy is
hidden, both take as long as the longer one.

No claim asks for it: pinned memory is advised for the sake of the transfer alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Experiment, Factor, PerProfile, Task
from harness.figures import BLUE, ORANGE, by_block, draw_blocks, median_interval, rounds_of
from harness.libraries import torch
from studies.dataloader.transfer import MEMORY, NON_BLOCKING, host_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

COPIED_MIB = 64
#: Some 10 ms of a GPU that makes 50 TFLOP/s, longer than the copy by any bus in use.
SIDE, PRODUCTS = 4096, 4

WORK = Factor(
    "work",
    ("products", "copy", "both"),
    control="products",
    words={"products": "products alone", "copy": "copy alone", "both": "products and copy"},
)
STREAM = Factor(
    "stream",
    ("same", "own"),
    control="same",
    words={"same": "on one stream", "own": "copy on its own stream"},
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    sources: dict[str, Tensor]
    target: Tensor
    matrix: Tensor
    product: Tensor
    own: torch.cuda.Stream


def prepare(block: Block) -> Cell:
    """The bytes on both sides, a matrix, and a stream for the copy."""
    sources = {memory: host_bytes(memory, COPIED_MIB) for memory in MEMORY.levels}
    matrix = torch.randn(SIDE, SIDE, device=block.device)
    return Cell(
        sources,
        torch.empty_like(sources["pageable"], device=block.device),
        matrix,
        torch.empty_like(matrix),
        torch.cuda.Stream(),
    )


def task(cell: Cell, arm: Arm) -> Task:
    """Products, a copy, or both."""
    source, non_blocking = cell.sources[arm[MEMORY]], arm[NON_BLOCKING]
    main = torch.cuda.current_stream()
    stream = cell.own if arm[STREAM] == "own" else main
    multiplies, copies = arm[WORK] != "copy", arm[WORK] != "products"

    def work() -> None:
        stream.wait_stream(main)  # what was given before is done before
        if multiplies:
            for _ in range(PRODUCTS):
                torch.mm(cell.matrix, cell.matrix, out=cell.product)
        if copies:
            with torch.cuda.stream(stream):
                cell.target.copy_(source, non_blocking=non_blocking)
        main.wait_stream(stream)

    return work


def hidden_share(table: pd.DataFrame) -> Figure:
    """Which share of the copy is hidden behind the products."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, WORK, MEMORY, NON_BLOCKING, STREAM)
    products = rounds["products", "pinned", False, "same"]
    figure = Figure()
    axes = figure.subplots()
    settings = [(m, n) for m in MEMORY.levels for n in NON_BLOCKING.levels]
    best: tuple[float, str] = (-np.inf, "")
    for stream, colour, shift in (("same", ORANGE, -0.1), ("own", BLUE, 0.1)):
        for place, (memory, non_blocking) in enumerate(settings):
            copy = rounds.get(("copy", memory, non_blocking, "same"))
            both = rounds.get(("both", memory, non_blocking, stream))
            if copy is None or both is None:
                continue
            hidden = 100 * by_block((products + copy - both) / copy)
            interval = median_interval(hidden)
            how = f"{MEMORY.say(memory)}, {NON_BLOCKING.say(non_blocking)}, {STREAM.say(stream)}"
            words = f"{interval.estimate:.0f} % of a copy of {COPIED_MIB} MiB was hidden"
            within = f"99 % interval {interval.low:.0f} to {interval.high:.0f} %"
            best = max(best, (interval.estimate, f"{words} ({within})\nat best: {how}"))
            label = f"copy on {'the same' if stream == 'same' else 'its own'} stream"
            draw_blocks(
                axes,
                place + shift,
                hidden,
                colour=colour,
                width=0.07,
                label=None if place else label,
            )
    axes.set(
        title=best[1],
        xlabel=f"memory and call (CUDA; dots: {table['block'].nunique()} processes)",
        ylabel="hidden, % of the copy's time",
    )
    names = [f"{memory},\n{'non-' if n else ''}blocking" for memory, n in settings]
    axes.set_xticks(range(len(settings)), names)
    axes.margins(y=0.15)
    axes.legend(loc="center right")
    return figure


def _needed(arm: Arm) -> bool:
    """Alone, products meet no memory and the copy has no other stream to avoid."""
    if arm[WORK] == "products":
        return arm[MEMORY] == "pinned" and not arm[NON_BLOCKING] and arm[STREAM] == "same"
    return arm[WORK] == "both" or arm[STREAM] == "same"


EXPERIMENT = Experiment(
    question="Can a copy to the GPU be hidden behind computing?",
    factors=(WORK, MEMORY, NON_BLOCKING, STREAM),
    only=_needed,
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(5, 20, 40),
    aa=AA(within=0.05, at={"work": "products"}),
    prepare=prepare,
    task=task,
    call="the work",
    figures=(hidden_share,),
    needs="cuda",
)
