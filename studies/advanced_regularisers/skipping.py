"""Is training faster with stochastic depth, since blocks are skipped?

Ten residual blocks take a training step in full, as the document's listing drops them, and with
blocks really skipped. The listing works a block out for all rows and then silences it for some: it
skips nothing. To skip a block takes one draw for the whole batch, and saves its forward and
backward pass and its update. At a survival of 0.9 one block of ten is left out on average: here
exactly one, each in its turn, so that every call of the clock is as much work as every other.

Faster is a step that takes at least 5 % less time; skipping every tenth block cannot save more than
10 %. The passage means both: its sentence says that blocks are skipped, its listing is how. Nets of
its two kinds are timed, convolutions on images and layers of a transformer; survival 0.8, the other
end of what the document recommends, with blocks skipped in pairs.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    AA,
    Arm,
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
    by_block,
    draw_blocks,
    measured_on,
    note,
    rounds_of,
    told,
)
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads.deep_nets import SkippableBlocks

BLOCKS, CLASSES, SURVIVAL = 10, 10, 0.9
ROWS, CHANNELS, SIDE = 16, 16, 12
LENGTH, WIDTH, HEADS = 12, 64, 4
FULL, MASKED, SKIPPED, PAIRS = "in full", "as listed", "skipped", "skipped in pairs"
WAY = Factor(
    "way",
    (FULL, MASKED, SKIPPED, PAIRS),
    control=FULL,
    words={
        FULL: "no block dropped",
        MASKED: "blocks dropped as listed, survival 0.9",
        SKIPPED: "blocks really skipped, survival 0.9",
        PAIRS: "blocks really skipped, survival 0.8",
    },
)
#: How many of the ten blocks a step leaves out.
LEFT_OUT = {FULL: 0, MASKED: 0, SKIPPED: 1, PAIRS: 2}
CNN, TRANSFORMER = "convolutions", "transformer"
NET = Factor("net", (CNN, TRANSFORMER), words={CNN: "residual convolutions"})
FASTER = 0.95
MARGIN = 0.02  # of the A/A: below half of the distance between 1 and the claim's edge

CLAIMS = (
    Claim(
        "D-adv-5",
        Ratio("seconds", WAY).at(way=(MASKED, SKIPPED, PAIRS)).by_round(),
        at_most(FASTER),
        reading="Faster: a training step with stochastic depth takes at least 5 % less time than "
        "one of all blocks; both as the document lists it and with blocks really skipped.",
        headline={"way": MASKED, "net": CNN},
    ),
)


def convolutions() -> nn.Module:
    """The branch of the listing's block: two convolutions with batch norm."""
    first, second = (nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(2))
    return nn.Sequential(
        first, nn.BatchNorm2d(CHANNELS), nn.ReLU(), second, nn.BatchNorm2d(CHANNELS)
    )


def network(name: str) -> SkippableBlocks:
    """An untrained net in train mode."""
    from harness.workloads.deep_nets import SkippableBlocks, TransformerBranch  # load torch

    stem, block, features = (
        (nn.Conv2d(3, CHANNELS, 3, padding=1), convolutions, CHANNELS)
        if name == CNN
        else (nn.Linear(WIDTH, WIDTH), partial(TransformerBranch, WIDTH, HEADS), WIDTH)
    )
    return SkippableBlocks(
        stem, block, blocks=BLOCKS, features=features, classes=CLASSES, survival=SURVIVAL
    )


class Cell(NamedTuple):
    """A batch for each net, and where networks go."""

    batches: dict[str, tuple[Tensor, Tensor]]
    device: str


def prepare(block: Block) -> Cell:
    """Random batches; on a GPU of 16 times as many rows."""
    rows = ROWS * (16 if block.device == "cuda" else 1)
    y = torch.randint(CLASSES, (rows,), device=block.device)
    shapes = {CNN: (rows, 3, SIDE, SIDE), TRANSFORMER: (rows, LENGTH, WIDTH)}
    return Cell(
        {name: (torch.randn(shape, device=block.device), y) for name, shape in shapes.items()},
        block.device,
    )


def turns(count: int) -> list[tuple[int, ...]]:
    """Which blocks are left out step by step, so many at a time, each as often as every other."""
    if not count:
        return [()]
    return [tuple(range(at, at + count)) for at in range(0, BLOCKS, count)]


def task(cell: Cell, arm: Arm) -> Task:
    """A training step."""
    net = network(arm[NET]).to(cell.device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    x, y = cell.batches[arm[NET]]
    left_out, masked = itertools.cycle(turns(LEFT_OUT[arm[WAY]])), arm[WAY] == MASKED

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(net(x, next(left_out), masked=masked), y).backward()
        optimiser.step()

    return step


def time_by_way(table: pd.DataFrame) -> Figure:
    """The times of steps, by net and way, that of all blocks = 1."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table[table["status"] != "disturbed"], WAY, NET)
    figure = Figure()
    axes = figure.subplots()
    ways = ((MASKED, ORANGE), (SKIPPED, BLUE), (PAIRS, GREEN))
    for group, net in enumerate(NET.levels):
        for place, (way, colour) in enumerate(ways):
            ratio = rounds[way, net] / rounds[FULL, net]
            label = None if group else WAY.say(way)
            x = 4 * group + place
            draw_blocks(axes, x, by_block(ratio), colour=colour, width=0.25, label=label)
    axes.axhline(1, color=BLACK, linewidth=1)
    axes.axhline(FASTER, color=BLACK, linestyle="--", linewidth=1.5, label="5 % less time")
    axes.set_xticks([1, 5], [NET.say(net) for net in NET.levels])
    axes.set_ylabel("time of a training step, no block dropped = 1", fontsize=18)
    axes.grid(visible=False, axis="x")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    note(axes, measured_on(table), table["block"].nunique())
    figure.suptitle(_headline(rounds))
    return figure


def _headline(rounds: dict[tuple[Any, ...], pd.Series[float]]) -> str:
    masked, skipped = (
        told(by_block(rounds[way, CNN] / rounds[FULL, CNN])) for way in (MASKED, SKIPPED)
    )
    return (
        f"A step of convolutions takes {masked} times as long\n"
        f"with the listed drop path, and {skipped}\nwhere one block of ten is really skipped"
    )


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Is training faster with stochastic depth, since blocks are skipped?",
    factors=(WAY, NET),
    blocks=PerProfile(1, 12, 24),
    rounds=PerProfile(2, 20, 80),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=MARGIN, at={"way": FULL}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    call="a training step",
    figures=(time_by_way,),
)
