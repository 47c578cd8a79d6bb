"""Is a batch whose size is a power of two faster than its neighbours?

A training step (forward, backward, update) of a perceptron, a small CNN and a transformer encoder
is timed at batches of 64 and 128 examples and at sizes beside them. What is compared is the time
for an example: a step of 65 examples may take 65/64 of the time of one of 64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, at_least
from harness.figures import BLUE, GREEN, ORANGE, by_block, draw_blocks, rounds_of, span
from harness.libraries import functional, nn, torch
from harness.workloads import convnet, encoder, mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

FASTER = 1.03
#: Powers of two, and the sizes beside them.
NEIGHBOURS = {64: (60, 63, 65, 72), 128: (127, 129)}
CLASSES = 10

NET = Factor("net", ("perceptron", "CNN", "encoder"))
BATCH = Factor("batch", (60, 63, 64, 65, 72, 127, 128, 129), control=64)

CLAIMS = tuple(
    Claim(
        "C9.06",
        Ratio("seconds", BATCH).at(batch=other).against(power).by_round(),
        at_least(FASTER * other / power),
        reading="A power of two pays: with any neighbouring size an example takes at least 3 % "
        f"longer, so a step of {other} examples at least 1.03 x {other}/{power} times that of "
        f"{power}.",
    )
    for power, others in NEIGHBOURS.items()
    for other in others
)


class Cell(NamedTuple):
    """What the arms of a block share: networks with their optimisers, and rows for each of them."""

    nets: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    rows: dict[str, Tensor]


def prepare(block: Block) -> Cell:
    """Networks with random weights, and random rows for the largest batch."""
    most = max(BATCH.levels)
    nets = {name: build().to(block.device) for name, build in NETS.items()}
    return Cell(
        nets,
        {name: torch.optim.SGD(net.parameters(), lr=1e-4) for name, net in nets.items()},
        {name: torch.randn(most, *shape, device=block.device) for name, shape in SHAPES.items()},
    )


def task(cell: Cell, arm: Arm) -> Task:
    """A training step on the first so many rows."""
    net, optimiser = cell.nets[arm[NET]], cell.optimisers[arm[NET]]
    rows = cell.rows[arm[NET]][: arm[BATCH]].clone()
    labels = torch.arange(len(rows), device=rows.device) % CLASSES

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(net(rows), labels).backward()
        optimiser.step()

    return step


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


def time_of_an_example(table: pd.DataFrame) -> Figure:
    """Time for an example at each batch size, relative to the power of two it stands beside."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, NET, BATCH)
    figure = Figure()
    axes = figure.subplots()
    sizes = BATCH.levels
    everything = []
    for shift, (net, colour) in enumerate(zip(NET.levels, (BLUE, ORANGE, GREEN), strict=True)):
        for place, size in enumerate(sizes):
            power = next(p for p, others in NEIGHBOURS.items() if size in (p, *others))
            ratio = by_block(rounds[net, size] / rounds[net, power]) * power / size
            microseconds = 1e6 * float(rounds[net, 64].median()) / 64
            label = f"{net} ({microseconds:.3g} µs at 64)" if place == 0 else None
            x = place + 0.2 * (shift - 1)
            draw_blocks(axes, x, ratio, colour=colour, width=0.07, label=label)
            if size != power:
                everything.append(float(np.median(ratio)))
    axes.axhline(1, color="#666666", linewidth=1)
    axes.axhline(FASTER, color="#666666", linestyle="--")
    axes.text(len(sizes) - 0.5, FASTER, "3 % longer", ha="right", va="bottom")
    axes.set(
        title=f"Beside a power of two an example took {span(everything)} times as long",
        xlabel=f"examples in a batch (processes measured: {table['block'].nunique()})",
        ylabel="time of an example,\nthat at 64 or 128 = 1",
    )
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.legend()
    return figure


EXPERIMENT = Experiment(
    question="Is a batch whose size is a power of two faster than its neighbours?",
    factors=(NET, BATCH),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(2, 32, 120),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.015, at={"batch": 64}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(time_of_an_example,),
)
