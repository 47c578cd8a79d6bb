"""Does stochastic depth on block outputs go well with batch norm?

Residual networks of convolutions, with batch norm behind each convolution as in the document's last
listing, are trained on 300 digits for listing 3's sixty epochs, with right labels and with a fifth
of them wrong; in train mode a row's branch is dropped with probability 0.1 or 0.2, or never. The
table's column tells stochastic depth from dropout, whose conflict with batch norm is stored
statistics that do not fit eval mode. So fine means: at the listing's survival of 0.9 variances that
batch norms meet in eval mode are within 10 % of the stored ones, and what they are off does no
harm: with statistics taken anew, nothing dropped, the test accuracy gains less than a point.

What dropped blocks cost by themselves is no matter of batch norm: the accuracy against none dropped
is shown beside, with batch norm and without.

Two kinds of batch norm are told apart: those inside a branch, which stand before what is dropped,
and the first of each later block, which is given the sum with what an earlier block may have
dropped. A residual perceptron is shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    less_than,
)
from harness.figures import BLUE, GREEN, ORANGE, draw_blocks, told
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import residual_cnn, residual_mlp
from harness.workloads.samples import Sample, SampleName, draw_sample
from studies.batchnorm.mixing import on_new_statistics
from studies.batchnorm.shift import variance_ratios

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from harness.libraries import nn

ROWS, HELD_OUT, BLOCKS, CHANNELS, WIDTH = 300, 500, 3, 8, 64
WATCH_EVERY = 10  # epochs
RIGHT, WRONG = "right labels", "a fifth wrong"
WITHOUT, PERCEPTRON = "no batch norm", "perceptron"
LISTED = 0.9


@dataclass(frozen=True)
class Task:
    """Rows, and which network.

    Attributes:
        source: of the rows.
        wrong: the share of labels replaced.
        convolutions: or layers of units.
        batch_norm: whether it has any.
    """

    source: SampleName
    wrong: float = 0.0
    convolutions: bool = True
    batch_norm: bool = True


TASKS = {
    RIGHT: Task("digits"),
    WRONG: Task("digits", wrong=0.2),
    WITHOUT: Task("digits", batch_norm=False),
    PERCEPTRON: Task("listing 3", convolutions=False),
}
JUDGED = (RIGHT, WRONG)

TASK = Factor(
    "task",
    tuple(TASKS),
    words={
        RIGHT: "convolutions, digits",
        WRONG: "convolutions, digits, a fifth of the labels wrong",
        WITHOUT: "convolutions without batch norm, digits",
        PERCEPTRON: "perceptron, listing 3's rows",
    },
)
SURVIVAL = Factor(
    "survival",
    (1.0, LISTED, 0.8),
    control=1.0,
    words={1.0: "no stochastic depth", LISTED: "survival 0.9", 0.8: "survival 0.8"},
)
INSIDE, BEHIND = "ratio_inside", "ratio_behind"
MATCH, NOT_WORSE = equals(1.0, within=0.1), at_least(-1.0)
MATCHES = (
    "Fine: at survival 0.9 the variance that batch norms of this kind meet in eval mode is within "
    "10 % of the stored one, on average over the layers."
)
FINE = "fine"
NO_CONVOLUTION = "a residual perceptron"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-tab-3",
        Value("gained_anew").at(task=JUDGED, survival=(LISTED, 0.8)),
        less_than(1.0),
        reading="Fine: what its statistics are off does no harm; taken anew with no branch dropped "
        "they gain less than a point of test accuracy.",
        headline={"task": RIGHT, "survival": LISTED},
        jointly=FINE,
    ),
    *(
        Claim(
            "D-tab-3",
            Value(kind).at(task=JUDGED, survival=LISTED),
            MATCH,
            reading=MATCHES,
            jointly=FINE,
        )
        for kind in (INSIDE, BEHIND)
    ),
    Beyond(
        "D-tab-3",
        Difference("test_accuracy", SURVIVAL).at(task=JUDGED, survival=(LISTED, 0.8)),
        NOT_WORSE,
        why="all that dropped blocks cost, of which batch norm need not be the cause",
        reading="The test accuracy is no point lower than with batch norm alone.",
    ),
    *(
        Beyond(
            "D-tab-3",
            Value(kind).at(task=JUDGED, survival=0.8),
            MATCH,
            why="the variance at 0.8, where the listing has 0.9",
            reading=MATCHES.replace("0.9", "0.8"),
        )
        for kind in (INSIDE, BEHIND)
    ),
    Beyond(
        "D-tab-3",
        Difference("test_accuracy", SURVIVAL).at(task=WITHOUT, survival=(LISTED, 0.8)),
        NOT_WORSE,
        why="networks without batch norm, to tell what is not batch norm's doing",
        reading="Fine without batch norm: the test accuracy is no point lower than with neither.",
    ),
    Beyond(
        "D-tab-3",
        Difference("best_accuracy", SURVIVAL).at(task=JUDGED, survival=(LISTED, 0.8)),
        NOT_WORSE,
        why="the epoch of the lowest validation loss, in place of the last",
    ),
    Beyond(
        "D-tab-3",
        Difference("test_accuracy", SURVIVAL).at(task=PERCEPTRON, survival=(LISTED, 0.8)),
        NOT_WORSE,
        why=NO_CONVOLUTION,
    ),
    *(
        Beyond(
            "D-tab-3",
            Value(kind).at(task=PERCEPTRON, survival=LISTED),
            MATCH,
            why=NO_CONVOLUTION,
            reading=MATCHES,
        )
        for kind in (INSIDE, BEHIND)
    ),
    Control(
        "without it the stored variances are off by less than 10 %",
        Value("mean_ratio").at(task=(*JUDGED, PERCEPTRON), survival=1.0),
        equals(1.0, within=0.1),
    ),
)


def prepare(blocks: tuple[Block, ...]) -> tuple[dict[str, Sample], int]:
    """Rows for each block, and the number of epochs."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    drawn = {
        name: draw_sample(
            task.source,
            seeds,
            train=ROWS,
            held_out=HELD_OUT,
            wrong_labels=task.wrong,
            device=device,
        )
        for name, task in TASKS.items()
    }
    return drawn, blocks[0].effort


def network(task: Task, sample: Sample, survival: float) -> Callable[[], nn.Module]:
    """What makes a task's network."""
    has = {"blocks": BLOCKS, "survival": survival, "batch_norm": task.batch_norm}
    if task.convolutions:
        return partial(residual_cnn, sample.classes, channels=CHANNELS, **has)  # type: ignore[arg-type]  # each is of its parameter's type
    return partial(residual_mlp, sample.features, sample.classes, width=WIDTH, **has)  # type: ignore[arg-type]  # as above


def measure(cell: tuple[dict[str, Sample], int], arm: Arm) -> Sequence[Responses]:
    """Train, and compare variances by where a batch norm stands."""
    sample, epochs = cell[0][arm[TASK]], cell[1]
    make = network(TASKS[arm[TASK]], sample, arm[SURVIVAL])
    history = fit(make, sample, Recipe(epochs, watch_every=WATCH_EVERY))
    found = {
        "test_accuracy": 100 * history.last("test_score"),
        "best_accuracy": 100 * history.at("test_score", history.best()),
        "train_accuracy": 100 * history.last("train_score"),
        **dict.fromkeys(
            (INSIDE, BEHIND, "mean_ratio", "gained_anew"), np.full(history.nets.count, np.nan)
        ),
    }
    if TASKS[arm[TASK]].batch_norm:
        found |= by_kind(variance_ratios(history.nets, sample.train.x))
        _, anew = on_new_statistics(history.nets, sample)
        # Shares of rows: beyond the tenth digit a difference of two of them is dust.
        found["gained_anew"] = np.round(anew - found["test_accuracy"], 10)
    return [
        {name: values[place].item() for name, values in found.items()}
        for place in range(history.nets.count)
    ]


def by_kind(ratios: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Mean ratios of both kinds of batch norm.

    Args:
        ratios: shape (batch norms, replicas); the last are two a block, and what comes before them
            belongs to the convolutions' stem.
    """
    of_blocks = ratios[-2 * BLOCKS :]
    return {
        INSIDE: of_blocks[1::2].mean(axis=0),
        BEHIND: of_blocks[2::2].mean(axis=0),
        "mean_ratio": ratios.mean(axis=0),
    }


def accuracy_and_variance(table: pd.DataFrame) -> Figure:
    """Both kinds of batch norm by survival, and the accuracy gained or lost."""
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    _draw_ratios(left, table)
    _draw_accuracies(right, table)
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=3, title="right panel")
    gain = _gains(table, RIGHT, LISTED)
    figure.suptitle(
        "Stochastic depth at survival 0.9 changes the test accuracy by\n"
        f"{told(gain, '+.1f', 'points')}, digits\n(residual convolutions, CPU; dots: "
        f"{table['block'].nunique()} seeds, diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


def _draw_ratios(axes: Axes, table: pd.DataFrame) -> None:
    kinds = {INSIDE: ("inside a branch", BLUE, -0.15), BEHIND: ("behind a sum", ORANGE, 0.15)}
    for kind, (label, colour, aside) in kinds.items():
        for number, survival in enumerate(SURVIVAL.levels):
            at = (table["task"] == RIGHT) & (table["survival"] == survival)
            values = table[at & (table["response"] == kind)].sort_values("block")["value"]
            draw_blocks(
                axes,
                number + aside,
                values.to_numpy(np.float64),
                colour=colour,
                width=0.1,
                label=label if number == 0 else None,
            )
    axes.axhspan(0.9, 1.1, color="#EEEEEE", zorder=0)
    axes.axhline(1, color="black", lw=1.5, zorder=0)
    axes.set_xticks(range(len(SURVIVAL.levels)), ["none", "0.9", "0.8"])
    axes.set_xlabel("survival of a branch (grey: within 10 %)")
    axes.set_ylabel("variance in eval mode / stored", fontsize=18)
    axes.legend(loc="best", title="batch norm")


def _gains(table: pd.DataFrame, task: str, survival: float) -> NDArray[np.float64]:
    """Points of test accuracy gained, one a block."""
    rows = table[(table["response"] == "test_accuracy") & (table["task"] == task)]
    with_it, without = (
        rows[rows["survival"] == level].sort_values("block")["value"].to_numpy(np.float64)
        for level in (survival, 1.0)
    )
    gained: NDArray[np.float64] = with_it - without
    return gained


def _draw_accuracies(axes: Axes, table: pd.DataFrame) -> None:
    looks = {
        RIGHT: ("batch norm", BLUE, -0.25),
        WRONG: ("batch norm, a fifth of labels wrong", ORANGE, 0.0),
        WITHOUT: ("no batch norm", GREEN, 0.25),
    }
    for task, (label, colour, aside) in looks.items():
        for number, survival in enumerate(SURVIVAL.levels[1:]):
            draw_blocks(
                axes,
                number + aside,
                _gains(table, task, survival),
                colour=colour,
                width=0.1,
                label=label if number == 0 else None,
            )
    axes.axhspan(-1, 1, color="#EEEEEE", zorder=0)
    axes.axhline(0, color="black", lw=1.5, zorder=0)
    axes.set_xticks((0, 1), ["0.9", "0.8"])
    axes.set_xlabel("survival of a branch (grey: one point)")
    axes.set_ylabel("test accuracy gained (points)", fontsize=18)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does stochastic depth on block outputs go well with batch norm?",
    factors=(TASK, SURVIVAL),
    responses=(
        Response(INSIDE, "1", "eval over stored variance at batch norms inside a branch"),
        Response(BEHIND, "1", "eval over stored variance at batch norms behind a sum"),
        Response("mean_ratio", "1", "eval over stored variance, mean of all batch norms"),
        Response(
            "gained_anew",
            "%",
            "points of test accuracy gained with statistics taken with no branch dropped",
        ),
        Response("test_accuracy", "%", "test accuracy after the last epoch"),
        Response("best_accuracy", "%", "test accuracy at the epoch of the lowest validation loss"),
        Response("train_accuracy", "%", "training accuracy after the last epoch, in eval mode"),
    ),
    blocks=PerProfile(3, 40, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(2, 60, 60),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_and_variance,),
)
