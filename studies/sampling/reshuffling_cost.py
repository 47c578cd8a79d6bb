"""What does a new permutation before every batch cost?

C2.09 calls it wasteful and unnecessary; this is the first half. A training step is timed on a batch
of 32 images of 8 x 8 pixels, with the rows given, as once an epoch leaves them, and with a new
permutation of the whole set drawn before, of which the first 32 rows are taken: the cheapest way
there is. The one permutation of an epoch is left out of the first, which it would make dearer by a
313th of the difference. Wasteful is 5 % of a step's time or more. That depends on how many rows are
permuted, so it is a curve over the size of the set, judged at the chapter's 10,000, for two small
networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    at_least,
)
from harness.figures import (
    BLACK,
    BLUE,
    ORANGE,
    VERMILION,
    by_block,
    device_of,
    draw_blocks,
    rounds_of,
    told,
)
from harness.libraries import functional, nn, torch
from harness.workloads import mlp, small_cnn

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

BATCH, JUDGED, WASTEFUL = 32, 10_000, 1.05
GIVEN, FRESH = "rows given", "permuted before every batch"
SHUFFLE = Factor(
    "shuffle",
    (GIVEN, FRESH),
    control=GIVEN,
    words={GIVEN: "one permutation an epoch", FRESH: "a permutation before every batch"},
)
NET = Factor("net", ("perceptron", "CNN"))
ROWS = Factor("rows", (1000, 10_000, 100_000), label="examples")

CLAIMS = (
    Claim(
        "C2.09",
        Ratio("seconds", SHUFFLE).at(shuffle=FRESH).by_round().along(ROWS, judged=(JUDGED,)),
        at_least(WASTEFUL),
        reading="Wasteful: a training step takes at least 5 % longer with a new permutation before "
        "its batch.",
        headline={"net": "perceptron", "rows": JUDGED},
        half="wasteful",
    ),
)


class Cell(NamedTuple):
    """The images of each size of set, and their classes."""

    images: dict[int, tuple[Tensor, Tensor]]


def prepare(block: Block) -> Cell:
    """Random images of ten classes: what they show does not matter to time."""
    largest = max(ROWS.levels)
    x = torch.randn(largest, 64, device=block.device)
    y = torch.randint(10, (largest,), device=block.device)
    return Cell({rows: (x[:rows], y[:rows]) for rows in ROWS.levels})


def task(cell: Cell, arm: Arm) -> Task:
    """A step of SGD with a learning rate of 0, so that all steps are alike."""
    x, y = cell.images[arm[ROWS]]
    net: nn.Module = mlp(64, 10) if arm[NET] == "perceptron" else small_cnn(10)
    net = net.to(x.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    given = torch.randperm(arm[ROWS])[:BATCH]
    fresh = arm[SHUFFLE] == FRESH

    def step() -> None:
        rows = torch.randperm(arm[ROWS])[:BATCH] if fresh else given
        # As from a loader: the rows are chosen on the CPU, whatever the device.
        rows = rows.to(x.device)
        optimiser.zero_grad()
        functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimiser.step()

    return step


def cost_by_size(table: pd.DataFrame) -> Figure:
    """The time of a step with a permutation over that without, along the size of the set."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, SHUFFLE, NET, ROWS)
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.axhline(1, color=BLACK, linewidth=1.5)
    axes.axhline(WASTEFUL, color=VERMILION, linestyle="--", label="1.05, the claim's edge")
    ratios = {
        (net, rows): by_block(rounds[FRESH, net, rows] / rounds[GIVEN, net, rows])
        for net in NET.levels
        for rows in ROWS.levels
        if (FRESH, net, rows) in rounds and (GIVEN, net, rows) in rounds
    }
    for net, colour, shift in (("perceptron", BLUE, 0.93), ("CNN", ORANGE, 1.07)):
        sizes = [rows for rows in ROWS.levels if (net, rows) in ratios]
        for place, rows in enumerate(sizes):
            label = net if place == 0 else None
            draw_blocks(
                axes, rows * shift, ratios[net, rows], colour=colour, width=0.04, label=label
            )
        medians = [float(np.median(ratios[net, rows])) for rows in sizes]
        axes.plot([rows * shift for rows in sizes], medians, color=colour, linewidth=1.5)
    axes.set_yscale("log")
    axes.set_yticks([1, 1.5, 2, 3, 5], ["1", "1.5", "2", "3", "5"])
    axes.set_xticks(list(ROWS.levels), [f"{rows:,}" for rows in ROWS.levels])
    axes.minorticks_off()
    axes.set_xlabel("examples in the set")
    axes.set_ylabel("time of a step, one permutation an epoch = 1")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    nothing: NDArray[np.float64] = np.array([])
    figure.suptitle(
        f"A new permutation of 10,000 examples before every batch makes a step\n"
        f"{told(ratios.get(('perceptron', JUDGED), nothing))} times as long (perceptron; "
        f"dots: n = {table['block'].nunique()} processes; {device_of(table)})",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="What does a new permutation before every batch cost?",
    factors=(SHUFFLE, NET, ROWS),
    blocks=PerProfile(1, 24, 48),
    rounds=PerProfile(5, 16, 60),
    aa=AA(within=0.02, at={"shuffle": GIVEN}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(cost_by_size,),
    call="a training step",
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
)
