"""Does DropConnect clash with batch norm as dropout does?

Listing 3's perceptron, with batch norm in both hidden blocks, is trained with DropConnect in its
hidden layers, which masks their weights, and with dropout on the inputs of the same layers, both at
0.5 and with what is left scaled up. After training the variance that each batch norm meets in eval
mode is divided by its running variance, as in ``mixing``.

A mask of DropConnect holds for all rows of a batch, so that it adds less to the variance within a
batch than dropout does, whose mask changes from row to row: what theory gives for one layer with
ReLU is about two thirds. Alike means between half and twice of dropout's shift. DropConnect at 0.8,
and dropout right before the batch norm, which theory shifts by p at least, are shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_most,
    between,
    equals,
)
from harness.figures import BLUE, GREEN, ORANGE, PURPLE, draw_blocks, told
from harness.libraries import nn
from harness.workloads import regularisers
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample, draw_sample
from studies.batchnorm.nets import WIDTHS, perceptron
from studies.batchnorm.shift import variance_ratios
from studies.batchnorm.treatments import DIGITS, LISTING, TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

HALF, MOST = 0.5, 0.8
NONE, DROPOUT, DIRECT = "neither", "dropout of inputs", "dropout right before"
CONNECT, CONNECT_MOST = "DropConnect", "DropConnect at 0.8"

TASK = Factor("task", (LISTING, DIGITS), words={LISTING: "listing 3's rows", DIGITS: "digits"})
TECHNIQUE = Factor(
    "technique",
    (NONE, DROPOUT, CONNECT, CONNECT_MOST, DIRECT),
    control=DROPOUT,
    words={
        DROPOUT: "dropout 0.5 of the layers' inputs",
        CONNECT: "DropConnect 0.5",
        CONNECT_MOST: "DropConnect 0.8",
        DIRECT: "dropout 0.5 right before batch norm",
    },
)
SHIFTED, ALIKE = at_most(0.95), between(0.5, 2.0)

CLAIMS = (
    Claim(
        "D-tab-2",
        Value("highest_ratio").at(technique=CONNECT).always(),
        SHIFTED,
        reading="A conflict: at every batch norm and in every network the variance in eval mode is "
        "at least 5 % below the stored one.",
    ),
    Claim(
        "D-tab-2",
        Ratio("shift", TECHNIQUE).at(technique=CONNECT),
        ALIKE,
        reading="Similar to that of dropout: the mean shift is between half and twice that of "
        "dropout at the same rate on the inputs of the same layers.",
        headline={"task": LISTING},
    ),
    Beyond(
        "D-tab-2",
        Ratio("shift", TECHNIQUE).at(technique=CONNECT).against(DIRECT),
        ALIKE,
        why="dropout right before the batch norm, on the outputs of the layers",
    ),
    Beyond(
        "D-tab-2",
        Value("highest_ratio").at(technique=CONNECT_MOST).always(),
        SHIFTED,
        why="DropConnect at 0.8, where the table names 0.5",
    ),
    Control(
        "with neither the stored variances are off by less than 10 %",
        Value("variance_ratio").at(technique=NONE),
        equals(1.0, within=0.1),
    ),
)


def hidden_layer(technique: str, before: int, width: int) -> list[nn.Module]:
    """A hidden layer with what a technique puts in its place or before it."""
    if technique in (CONNECT, CONNECT_MOST):
        return [
            regularisers.DropConnect(before, width, MOST if technique == CONNECT_MOST else HALF)
        ]
    linear = nn.Linear(before, width)
    return [nn.Dropout(HALF), linear] if technique == DROPOUT else [linear]


def network(technique: str, features: int, classes: int) -> nn.Sequential:
    """Listing 3's perceptron with a technique in both hidden layers."""
    if technique == DIRECT:
        return perceptron(features, classes, place="before", drop=HALF)
    layers: list[nn.Module] = []
    for before, width in zip((features, *WIDTHS), WIDTHS, strict=False):
        layers += [*hidden_layer(technique, before, width), nn.BatchNorm1d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTHS[-1], classes))


def prepare(blocks: tuple[Block, ...]) -> tuple[dict[str, Sample], int]:
    """Rows for each block, 300 to train on, and the number of epochs."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    drawn = {
        task: draw_sample(TASKS[task].source, seeds, train=300, held_out=300, device=device)
        for task in TASK.levels
    }
    return drawn, blocks[0].effort


def measure(cell: tuple[dict[str, Sample], int], arm: Arm) -> Sequence[Responses]:
    """Train, and compare variances."""
    sample, epochs = cell[0][arm[TASK]], cell[1]
    make: Callable[[], nn.Module] = partial(
        network, arm[TECHNIQUE], sample.features, sample.classes
    )
    history = fit(make, sample, Recipe(epochs, watch_every=epochs))
    ratios = variance_ratios(history.nets, sample.train.x)
    accuracy = 100 * history.last("test_score")
    return [
        {
            "variance_ratio": ratios[:, place].tolist(),
            "highest_ratio": ratios[:, place].max().item(),
            "shift": 1 - ratios[:, place].mean().item(),
            "test_accuracy": accuracy[place].item(),
        }
        for place in range(history.nets.count)
    ]


def both_shifts(table: pd.DataFrame) -> Figure:
    """The variance ratio at both batch norms, by technique."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels), sharey=True)
    colours = dict(
        zip((NONE, DROPOUT, CONNECT, DIRECT), (GREEN, BLUE, ORANGE, PURPLE), strict=True)
    )
    rows = table[table["response"] == "variance_ratio"]
    for axes, task in zip(panels, TASK.levels, strict=True):
        for number, (technique, colour) in enumerate(colours.items()):
            at = rows[(rows["task"] == task) & (rows["technique"] == technique)]
            for layer in (0, 1):
                values = at[at["round"] == layer].sort_values("block")["value"].to_numpy(np.float64)
                place = layer + 0.2 * (number - 1.5)
                label = TECHNIQUE.say(technique) if layer == 0 else None
                draw_blocks(axes, place, values, colour=colour, width=0.06, label=label)
        axes.axhline(1, color="black", lw=1.5, zorder=0)
        axes.set_xticks((0, 1), ("first batch norm", "second batch norm"))
        axes.set_xlim(-0.5, 1.5)
        axes.set_title(TASK.say(task), fontsize=18)
    panels[0].set_ylim(0, None)
    panels[0].set_ylabel("variance in eval mode / stored variance")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    shifts = table[(table["response"] == "shift") & (table["task"] == LISTING)]
    by_block = {
        name: shifts[shifts["technique"] == name].sort_values("block")["value"].to_numpy(np.float64)
        for name in (CONNECT, DROPOUT)
    }
    figure.suptitle(
        "DropConnect shifts the variance "
        f"{told(by_block[CONNECT] / by_block[DROPOUT], '.2f')} times\nas much as dropout on the "
        f"same layers (listing 3's rows)\n(CPU; dots: {table['block'].nunique()} seeds, diamonds: "
        "medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does DropConnect clash with batch norm as dropout does?",
    factors=(TASK, TECHNIQUE),
    responses=(
        Response(
            "variance_ratio", "1", "variance that batch norm meets in eval mode over its stored one"
        ),
        Response("highest_ratio", "1", "highest variance ratio of the batch norms"),
        Response(
            "shift", "1", "mean shortfall of the variances in eval mode below the stored ones"
        ),
        Response("test_accuracy", "%", "test accuracy at the end"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(3, 60, 60),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(both_shifts,),
)
