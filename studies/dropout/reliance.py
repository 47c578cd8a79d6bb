"""Does dropout make a network lean less on any single neuron?

Perceptrons train with dropout of one half behind both hidden layers, and without. Then, in eval
mode, each hidden unit is silenced by itself, and it is read how far that throws the network back on
rows that no choice has seen; the unit that hurts most is the one leant on. Narrow networks (16 and
16 units) are judged on accuracy, by half a point; of wide ones (64 and 64) a single unit hardly
moves the accuracy, which is at its ceiling, so that they are judged on the loss: it has to rise by
a fifth less. That a network trained with masks bears masks is another matter, and beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    Ratio,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.figures import BLUE, ORANGE, draw_blocks, told
from harness.libraries import functional, torch
from studies.dropout.averaging import drawn_masks, forward, layers_of
from studies.dropout.training import (
    BLOCKS,
    DATA,
    DIGITS,
    EPOCHS,
    HALF,
    TOGETHER,
    Cohort,
    relu_dropout,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

NONE = 0.0
RATE = Factor(
    "rate",
    (NONE, HALF),
    control=NONE,
    words={NONE: "trained without dropout", HALF: "trained with dropout"},
)
NARROW, WIDE = 16, 64
WIDTH = Factor("width", (NARROW, WIDE), words={w: f"two hidden layers of {w}" for w in (16, 64)})
HALF_OFF = 20  # masks

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "A-train-3",
        Difference("worst_drop", RATE).at(width=NARROW),
        at_most(-0.005),
        reading="Leans on no single neuron: silencing the one unit that hurts most costs at least "
        "half a point less accuracy after training with dropout.",
        headline={"data": DIGITS},
    ),
    Claim(
        "A-train-3",
        Ratio("worst_rise", RATE).at(width=WIDE),
        at_most(0.8),
        reading="Leans on no single neuron: silencing the one unit that hurts most raises the loss "
        "by at least a fifth less after training with dropout.",
    ),
    Beyond(
        "A-train-3",
        Difference("half_off", RATE),
        at_least(0.02),
        why="half of all units at once, which is the noise trained with and no single neuron",
        reading="With half of the units off, accuracy is two points higher after dropout.",
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train, then silence each unit by itself."""
    widths = (arm[WIDTH], arm[WIDTH])
    nets = cohort.fit(arm[DATA], (arm[RATE], widths), relu_dropout(arm[RATE]), widths=widths).nets
    test, layers = cohort.sample(arm[DATA]).test, layers_of(nets)
    whole_loss, whole_score = judged(layers, test.x, test.y, [torch.ones(1, w) for w in widths])
    losses, scores = judged(layers, test.x, test.y, one_silenced(widths))
    _, halved = judged(layers, test.x, test.y, drawn_masks(widths, HALF_OFF, cohort.seeds[0]))
    columns = (
        (whole_score - scores).amax(dim=1),
        (losses - whole_loss).amax(dim=1),
        halved.mean(dim=1),
        whole_score[:, 0],
    )
    names = ("worst_drop", "worst_rise", "half_off", "accuracy")
    return [
        dict(zip(names, each, strict=True))
        for each in zip(*(column.tolist() for column in columns), strict=True)
    ]


def one_silenced(widths: Sequence[int]) -> list[Tensor]:
    """For each hidden layer masks (units of all layers, units), each silencing one unit of all."""
    return list((1 - torch.eye(sum(widths))).split(list(widths), dim=1))


def judged(
    layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, y: Tensor, masks: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Loss and accuracy under each mask; both of shape (replicas, masks)."""
    losses, scores = [], []
    with torch.no_grad():
        for chunk in zip(*(mask.to(x.device).split(16) for mask in masks), strict=True):
            logits = forward(layers, x, chunk)
            labels = y[:, None].expand(logits.shape[:-1])
            loss = functional.cross_entropy(
                logits.flatten(0, 2), labels.flatten(), reduction="none"
            )
            losses.append(loss.view(labels.shape).double().mean(-1))
            scores.append((logits.argmax(-1) == labels).double().mean(-1))
    return torch.cat(losses, dim=1), torch.cat(scores, dim=1)


def worst_unit(table: pd.DataFrame) -> Figure:
    """What silencing the worst unit costs, with and without dropout in training."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2)
    shown = ((NARROW, "worst_drop", 100), (WIDE, "worst_rise", 1))
    for axes, (width, response, scale) in zip(panels, shown, strict=True):
        rows = table[(table["width"] == width) & (table["response"] == response)]
        for rate, colour, shift in ((NONE, ORANGE, -0.17), (HALF, BLUE, 0.17)):
            for place, data in enumerate(DATA.levels):
                at = (rows["data"] == data) & (rows["rate"] == rate)
                draw_blocks(
                    axes,
                    place + shift,
                    scale * rows[at]["value"].to_numpy(np.float64),
                    colour=colour,
                    width=0.1,
                    label=RATE.words[rate] if place == 0 else None,
                )
        axes.set_xticks(range(len(DATA.levels)), DATA.levels, fontsize=16)
        axes.set_title(WIDTH.words[width], fontsize=18)
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("accuracy lost with the\nworst unit silenced (points)", fontsize=18)
    panels[1].set_ylabel("rise of the loss with the\nworst unit silenced (nat)", fontsize=18)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    rows = table[(table["width"] == NARROW) & (table["response"] == "worst_drop")]
    lost = [
        100 * rows[(rows["data"] == DIGITS) & (rows["rate"] == rate)]["value"]
        for rate in (HALF, NONE)
    ]
    figure.suptitle(
        f"Silencing the worst of 32 units costs {told(lost[0], '.1f', 'points')}\nafter training "
        f"with dropout, {told(lost[1], '.1f')} without\n(digits, CPU; dots: "
        f"{table['block'].nunique()} seeds; diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does dropout make a network lean less on any single neuron?",
    factors=(RATE, WIDTH, DATA),
    responses=(
        Response("worst_drop", "1", "accuracy lost with the unit silenced that hurts most"),
        Response("worst_rise", "nat", "rise of the loss with the unit silenced that hurts most"),
        Response("half_off", "1", "accuracy with half of the units off"),
        Response("accuracy", "1", "accuracy with all units"),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(worst_unit,),
)
