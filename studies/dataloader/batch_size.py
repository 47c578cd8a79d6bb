"""Is a batch whose size is a power of two faster than its neighbours, and a large one than a small?

A call is two training steps (forward, backward, update) of a perceptron, a small CNN or a
transformer encoder: both on batches of a power of two, or one on a row less and one on a row more.
So both have as many rows and as many steps, and what a step costs whatever its size does not
count.

The advice is for training on a GPU whose memory is filled: it is judged there, at 1,024 rows, where
these networks keep a card busy. Whether a size fits is a question of memory, which admits any
number; that the power of two is the better one is a question of time. Batches of 64, far below any
card's memory, are shown beside it, and what other devices give is no more than a counterpart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

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
from harness.figures import (
    BLUE,
    GREEN,
    ORANGE,
    by_block,
    draw_blocks,
    measured_on,
    median_interval,
    rounds_of,
)
from harness.libraries import functional, nn, torch
from harness.workloads import convnet, encoder, mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

FASTER = 1.05
SMALL, LARGE = 64, 1024
CLASSES = 10


def power(size: int) -> str:
    """The level at which both batches are of a power of two."""
    return f"{size} twice"


def beside(size: int) -> str:
    """The level at which one batch has a row less, and one a row more."""
    return f"{size - 1} and {size + 1}"


#: Rows of the two batches of a call.
ROWS = {
    **{power(size): (size, size) for size in (SMALL, LARGE)},
    **{beside(size): (size - 1, size + 1) for size in (SMALL, LARGE)},
}

NET = Factor("net", ("perceptron", "CNN", "encoder"))
SIZES = Factor(
    "sizes",
    tuple(ROWS),
    control=power(LARGE),
    words={
        level: f"batches of {first:,}"
        if first == second
        else f"batches of {first:,} and {second:,}"
        for level, (first, second) in ROWS.items()
    },
)

POWER_PAYS = (
    "A power of two pays: two steps on batches of a row less and a row more take at least 5 % "
    "longer than two steps on batches of it."
)

CLAIMS = (
    Claim(
        "C9.06",
        Ratio("seconds", SIZES).at(sizes=beside(LARGE)).by_round(),
        at_least(FASTER),
        reading=POWER_PAYS,
        needs="cuda",
    ),
    Claim(
        "C9.06",
        Ratio("seconds", SIZES).at(sizes=power(SMALL)).by_round(),
        at_least(FASTER * SMALL / LARGE),
        reading="A large batch pays: an example in batches of 64 takes at least 5 % longer than in "
        f"batches of 1,024, which makes at least {FASTER:g} x 64/1,024 of the time of a step.",
        needs="cuda",
    ),
    Beyond(
        "C9.06",
        Ratio("seconds", SIZES).at(sizes=beside(SMALL)).against(power(SMALL)).by_round(),
        at_least(FASTER),
        why="batches far below the memory of any card",
        reading=POWER_PAYS,
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share: networks with their optimisers, and rows for each of them."""

    nets: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    rows: dict[str, Tensor]


def prepare(block: Block) -> Cell:
    """Networks with random weights, and random rows for the largest batch."""
    most = max(map(max, ROWS.values()))
    nets = {name: build().to(block.device) for name, build in NETS.items()}
    return Cell(
        nets,
        {name: torch.optim.SGD(net.parameters(), lr=1e-4) for name, net in nets.items()},
        {name: torch.randn(most, *shape, device=block.device) for name, shape in SHAPES.items()},
    )


def task(cell: Cell, arm: Arm) -> Task:
    """A training step on the first so many rows, and another one."""
    net, optimiser = cell.nets[arm[NET]], cell.optimisers[arm[NET]]
    batches = [cell.rows[arm[NET]][:size].clone() for size in ROWS[arm[SIZES]]]
    labels = [torch.arange(len(rows), device=rows.device) % CLASSES for rows in batches]
    pairs = list(zip(batches, labels, strict=True))

    def steps() -> None:
        for rows, targets in pairs:
            optimiser.zero_grad()
            functional.cross_entropy(net(rows), targets).backward()
            optimiser.step()

    return steps


def small_transformer() -> nn.Module:
    """An encoder of one layer whose first token is classified."""

    class FirstToken(nn.Module):
        def forward(self, tokens: Tensor) -> Tensor:
            return tokens[:, 0]

    return nn.Sequential(encoder(1, 64), FirstToken(), nn.Linear(64, CLASSES))


NETS: dict[str, Callable[[], nn.Module]] = {
    "perceptron": lambda: mlp(256, CLASSES, hidden=512),
    "CNN": lambda: convnet((8, 16), CLASSES),
    "encoder": small_transformer,
}
SHAPES = {"perceptron": (256,), "CNN": (3, 16, 16), "encoder": (8, 64)}


def beside_powers_of_two(table: pd.DataFrame) -> Figure:
    """Time of two steps on batches beside a power of two, that on batches of it being 1."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, NET, SIZES)
    figure = Figure()
    axes = figure.subplots()
    furthest: tuple[float, str] = (0.0, "")
    for shift, (net, colour) in enumerate(zip(NET.levels, (BLUE, ORANGE, GREEN), strict=True)):
        for place, size in enumerate((SMALL, LARGE)):
            if (net, power(size)) not in rounds or (net, beside(size)) not in rounds:
                continue
            ratio = by_block(rounds[net, beside(size)] / rounds[net, power(size)])
            draw_blocks(
                axes,
                place + 0.2 * (shift - 1),
                ratio,
                colour=colour,
                width=0.05,
                label=None if place else net,
            )
            interval = median_interval(ratio)
            off = abs(float(np.log(interval.estimate)))
            if size == LARGE and off >= furthest[0]:
                words = f"{interval.estimate:.2f} times as long"
                where = f"{interval.low:.2f} to {interval.high:.2f}; {net}, the furthest from 1"
                furthest = (off, f"{words}\nas two of {LARGE:,} (99 % interval {where})")
    axes.axhline(1, color="#666666", linewidth=1)
    axes.axhline(FASTER, color="#666666", linestyle="--")
    axes.text(1.45, FASTER, "a power of two pays: 5 % longer beside it", ha="right", va="bottom")
    blocks = table["block"].nunique()
    axes.set(
        title=f"Steps on batches of {LARGE - 1:,} and {LARGE + 1:,} took {furthest[1]}",
        xlabel=f"rows of the two batches ({measured_on(table)}; dots: {blocks} processes)",
        ylabel="time of two training steps,\nthat at the power of two = 1",
        xlim=(-0.5, 1.5),
    )
    names = [f"{s - 1:,} and {s + 1:,},\nagainst {s:,} twice" for s in (SMALL, LARGE)]
    axes.set_xticks((0, 1), names)
    axes.legend(loc="upper left")
    return figure


EXPERIMENT = Experiment(
    question="Is a batch faster for a size that is a power of two, and for being large?",
    factors=(NET, SIZES),
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(2, 6, 60),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.025, at={"sizes": power(LARGE)}),
    prepare=prepare,
    task=task,
    call="two training steps",
    claims=CLAIMS,
    figures=(beside_powers_of_two,),
)
