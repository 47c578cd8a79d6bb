"""How does the variance shift run through a deep network, by place and rate of dropout?

A perceptron of eight blocks of 64 units is trained on 300 digits, with dropout before batch norm,
between ReLU and a batch norm that comes last, after batch norm and ReLU, or behind the last block
alone. At each of the eight batch norms the variance of the input in eval mode is divided by the
running variance, as in ``mixing``: a response of eight rounds, from input to output.

Judged, by the rule of ``mixing``, are rates of 0.3 and 0.5 with dropout in the block before its
batch norm, in both orders that put it there. That the shift gets worse with depth no passage says:
shown beside. Who showed the effect first, a passage says; that is a question to libraries, and told
here because this is where the effect is seen.
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
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, median_interval, told
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample, draw_sample
from studies.batchnorm.mixing_rules import SHIFT_CLAIMS, SHIFT_READING, SHIFTED
from studies.batchnorm.nets import Place, perceptron
from studies.batchnorm.shift import variance_ratios

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

BLOCKS, WIDTH, ROWS, HELD_OUT = 8, 64, 300, 100
PLACES: dict[str, Place] = {
    "before batch norm": "before",
    "between ReLU and batch norm": "between",
    "after batch norm and ReLU": "after",
    "behind the last block": "last",
}
BEFORE, BETWEEN, AFTER, LAST = PLACES
RATES = (0.1, 0.3, 0.5)
HEAVY = (0.3, 0.5)

PLACE = Factor("place", tuple(PLACES), words={name: f"dropout {name}" for name in PLACES})
RATE = Factor("rate", (0.0, *RATES), label="dropout rate", words={0.0: "no dropout"})
HIGHEST, LOWEST = Value("highest_ratio"), Value("lowest_ratio")

CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    *(
        rule
        for claim in SHIFT_CLAIMS
        for rule in (
            Claim(
                claim,
                HIGHEST.at(place=(BEFORE, BETWEEN), rate=HEAVY).always(),
                SHIFTED,
                reading=SHIFT_READING,
            ),
            Beyond(
                claim,
                LOWEST.at(place=AFTER, rate=HEAVY).always(),
                SHIFTED,
                why="dropout after batch norm and ReLU, which the passage calls a repair",
                reading="It is shifted all the same: at some batch norm of every network the "
                "variance is at least 5 % too low.",
            ),
            Beyond(
                claim,
                HIGHEST.at(place=(BEFORE, BETWEEN), rate=0.1).always(),
                SHIFTED,
                why="dropout of 0.1, which the passage calls a repair",
            ),
        )
    ),
    Beyond(
        "D-bn-3",
        Value("deepest_over_second").at(place=(BEFORE, AFTER), rate=HEAVY),
        at_most(0.9),
        why="depth, of which the passage says nothing",
        reading="It gets worse with depth: the variance ratio of the last batch norm is at most "
        "0.9 times that of the second.",
    ),
    Unmeasurable(
        "D-hurts-10",
        needs="the papers themselves",
        why="who showed an effect is a matter of reading. By their titles and abstracts: the paper "
        "of 2018 that shows how dropout shifts the variance which batch norm has stored is by Li, "
        "Chen, Hu and Yang (arXiv 1801.05134); that of Luo, Wang, Shao and Peng of the same year "
        "(arXiv 1809.00846) is about how batch norm itself regularises. The effect is measured "
        "beside it.",
    ),
    Control(
        "without dropout the stored variances are off by less than 10 %",
        Value("mean_ratio").at(rate=0.0),
        equals(1.0, within=0.1),
    ),
)


def prepare(blocks: tuple[Block, ...]) -> tuple[Sample, int]:
    """Rows for each block, and the number of epochs."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    sample = draw_sample("digits", seeds, train=ROWS, held_out=HELD_OUT, device=device)
    return sample, blocks[0].effort


def measure(cell: tuple[Sample, int], arm: Arm) -> Sequence[Responses]:
    """Train a deep network, and compare variances at each of its batch norms."""
    sample, epochs = cell
    make = partial(
        perceptron,
        sample.features,
        sample.classes,
        widths=(WIDTH,) * BLOCKS,
        place=PLACES[arm[PLACE]],
        drop=arm[RATE],
    )
    history = fit(make, sample, Recipe(epochs, watch_every=epochs))
    ratios = variance_ratios(history.nets, sample.train.x)
    accuracy = 100 * history.last("train_score")
    return [
        responses(ratios[:, place], accuracy[place].item()) for place in range(history.nets.count)
    ]


def responses(ratios: NDArray[np.float64], accuracy: float) -> Responses:
    """What is told of one network; ratios are by depth."""
    return {
        "variance_ratio": ratios.tolist(),
        "highest_ratio": ratios.max().item(),
        "lowest_ratio": ratios.min().item(),
        "mean_ratio": ratios.mean().item(),
        "deepest_over_second": (ratios[-1] / ratios[1]).item(),
        "train_accuracy": accuracy,
    }


def in_design(arm: Arm) -> bool:
    """Without dropout there is no order."""
    return arm[RATE] > 0 or arm[PLACE] == BEFORE


def through_the_net(table: pd.DataFrame) -> Figure:
    """The variance ratio from input to output, a panel for each place and a band for each rate."""
    from matplotlib.figure import Figure

    rows = table[table["response"] == "variance_ratio"]
    figure = Figure()
    panels = figure.subplots(1, len(PLACES), sharey=True)
    for axes, place in zip(panels, PLACES, strict=True):
        _band(axes, rows[rows["rate"] == 0.0], "no dropout", BLACK)
        here = rows[rows["place"] == place]
        for rate, colour in zip(RATES, (GREEN, BLUE, ORANGE), strict=True):
            _band(axes, here[here["rate"] == rate], f"dropout {rate}", colour)
        axes.set_title(TITLES[place], fontsize=15)
        axes.set_xticks(range(1, BLOCKS + 1))
        axes.set_xlabel("batch norm", fontsize=18)
    panels[0].set_ylim(0, None)
    panels[0].set_ylabel("variance in eval mode / stored variance", fontsize=18)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle(_finding(table), fontsize=18)
    return figure


TITLES = {
    BEFORE: "dropout right\nbefore batch norm",
    BETWEEN: "dropout after ReLU,\nthen batch norm",
    AFTER: "dropout after\nbatch norm and ReLU",
    LAST: "dropout behind\nthe last block",
}


def _band(axes: Axes, rows: pd.DataFrame, label: str, colour: str) -> None:
    """The median over seeds by depth, with its 99 % interval where there are seeds enough."""
    layers = [
        median_interval(values.to_numpy(np.float64)) for _, values in rows.groupby("round")["value"]
    ]
    at = np.arange(1, len(layers) + 1)
    axes.plot(at, [each.estimate for each in layers], "o-", color=colour, label=label, ms=5)
    if all(np.isfinite([each.low, each.high]).all() for each in layers):
        low, high = [each.low for each in layers], [each.high for each in layers]
        axes.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)


def _finding(table: pd.DataFrame) -> str:
    """The mean ratio at 0.5, before and after."""
    at = (table["response"] == "mean_ratio") & (table["rate"] == HEAVY[-1])
    mean = {place: table[at & (table["place"] == place)]["value"] for place in (BEFORE, AFTER)}
    return (
        f"Dropout {HEAVY[-1]} before batch norm leaves {told(mean[BEFORE])} of the stored\n"
        f"variance in eval mode, after batch norm and ReLU {told(mean[AFTER])},\n"
        f"as a mean of {BLOCKS} batch norms (digits, CPU; lines and bands: medians and 99 % "
        f"intervals of {table['block'].nunique()} seeds)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="How does the variance shift run through a deep network, by place and rate?",
    factors=(PLACE, RATE),
    only=in_design,
    responses=(
        Response(
            "variance_ratio", "1", "variance that batch norm meets in eval mode over its stored one"
        ),
        Response("highest_ratio", "1", "highest variance ratio of the batch norms"),
        Response("lowest_ratio", "1", "lowest variance ratio of the batch norms"),
        Response("mean_ratio", "1", "mean of these ratios over the layers"),
        Response(
            "deepest_over_second", "1", "ratio of the last batch norm over that of the second"
        ),
        Response("train_accuracy", "%", "training accuracy at the end, in eval mode"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(3, 20, 20),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(through_the_net,),
)
