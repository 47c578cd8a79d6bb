"""Does the noise in batch statistics act as a weak regulariser?

Nets with and without batch norm differ in more than noise: batch norm also learns faster. So only
the noise is varied. Perceptrons with batch norm are trained for as many steps on the same batches
of 64, and normalised, in one arm, with the statistics of the batch, and in the other with those of
all rows trained on, worked out anew in each step, which have no noise. To regularise is to narrow
the gap between training and test accuracy, both in eval mode, by a point or more.

A weak regulariser can be seen only where there is much to regularise: where listing 3's dropout of
0.4, which is not weak, narrows the gap of a network without batch norm by less than a point, the
noise says nothing by narrowing it by less. So the rows judged have a fifth of their training labels
wrong, those of listing 3, digits and breast cancer, and that dropout narrows the gap there is a
control. The same rows with right labels are shown beside; so are networks without batch norm, which
differ in all that batch norm does, and test losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.figures import BLUE, GREEN, ORANGE, draw_blocks, told
from harness.libraries import functional, torch
from harness.workloads import Replicas
from harness.workloads.fitting import watch
from harness.workloads.loop import OPTIMISERS
from harness.workloads.samples import Sample, SampleName, draw_sample
from studies.batchnorm.nets import perceptron
from studies.batchnorm.treatments import BATCH, LISTED, RATE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Setting:
    """Rows: where they are from, how many of each part, which share has a wrong label."""

    source: SampleName
    train: int = 300
    held_out: int = 600
    wrong: float = 0.0


SETTINGS = {
    "listing 3": Setting("listing 3"),
    "listing 3, labels wrong": Setting("listing 3", wrong=0.2),
    "digits": Setting("digits"),
    "digits, labels wrong": Setting("digits", wrong=0.2),
    "breast cancer": Setting("breast cancer", train=200, held_out=180),
    "breast cancer, labels wrong": Setting("breast cancer", train=200, held_out=180, wrong=0.2),
}
WRONG = tuple(name for name, each in SETTINGS.items() if each.wrong)
RIGHT = tuple(name for name in SETTINGS if name not in WRONG)
NOISY, QUIET = "statistics of the batch", "statistics of all rows"
WITHOUT, DROPOUT = "no batch norm", "dropout alone"

SETTING = Factor(
    "setting",
    tuple(SETTINGS),
    words={
        "listing 3": "listing 3's rows",
        "listing 3, labels wrong": "listing 3's rows, a fifth of the labels wrong",
        "digits, labels wrong": "digits, a fifth of the labels wrong",
        "breast cancer, labels wrong": "breast cancer, a fifth of the labels wrong",
    },
)
NOISE = Factor(
    "noise",
    (QUIET, NOISY, WITHOUT, DROPOUT),
    control=QUIET,
    words={DROPOUT: f"dropout {LISTED} and no batch norm"},
)
WHOLE = "nets without batch norm, which differ in all that batch norm does, not in noise alone"
HEADLINE: dict[str, Level] = {"setting": "listing 3, labels wrong"}
REGULARISES = (
    "The noise regularises: with the statistics of batches the gap between training and test "
    "accuracy is a point narrower or more than with those of all rows."
)

CLAIMS = (
    Claim(
        "D-hurts-8",
        Difference("gap", NOISE).at(noise=NOISY, setting=WRONG),
        at_most(-1.0),
        reading=REGULARISES,
        headline=HEADLINE,
    ),
    Beyond(
        "D-hurts-8",
        Difference("gap", NOISE).at(noise=NOISY, setting=RIGHT),
        at_most(-1.0),
        why="right labels, with which dropout itself need not narrow the gap",
        reading=REGULARISES,
    ),
    Beyond(
        "D-hurts-8",
        Ratio("test_loss", NOISE).at(noise=NOISY),
        at_most(0.95),
        why="the test loss, in place of the gap",
        reading="The noise regularises: it lowers the test loss by 5 % or more.",
    ),
    Beyond(
        "D-hurts-8",
        Difference("gap", NOISE).at(noise=NOISY).against(WITHOUT),
        at_most(-1.0),
        why=WHOLE,
        reading="Batch norm regularises: with it the gap is a point narrower or more than without.",
    ),
    Beyond(
        "D-hurts-8",
        Difference("gap", NOISE).at(noise=DROPOUT, setting=RIGHT).against(WITHOUT),
        at_most(-1.0),
        why="dropout, as a measure of what is not weak",
        reading="Dropout regularises: with it the gap is a point narrower or more than without.",
    ),
    Control(
        "there is something to regularise: without noise the gap is a point or more",
        Value("gap").at(noise=QUIET),
        at_least(1.0),
    ),
    Control(
        "what is no weak regulariser is seen to be one: dropout narrows the gap by a point or more",
        Difference("gap", NOISE).at(noise=DROPOUT, setting=WRONG).against(WITHOUT),
        at_most(-1.0),
    ),
)


@dataclass(frozen=True)
class Samples:
    """Rows for each block by setting, and how long to train."""

    by_setting: dict[str, Sample]
    epochs: int


def prepare(blocks: tuple[Block, ...]) -> Samples:
    """Draw each setting's rows, a cut for each block's seed."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    drawn = {
        name: draw_sample(
            each.source,
            seeds,
            train=each.train,
            held_out=each.held_out,
            wrong_labels=each.wrong,
            device=device,
        )
        for name, each in SETTINGS.items()
    }
    return Samples(drawn, blocks[0].effort)


def measure(samples: Samples, arm: Arm) -> Sequence[Responses]:
    """Train with or without noise, and look at both accuracies."""
    sample = samples.by_setting[arm[SETTING]]
    nets = train(sample, arm[NOISE], samples.epochs)
    seen = watch(nets, sample)
    found = {
        # Shares of rows: beyond the tenth digit a difference of two of them is dust.
        "gap": np.round(100 * (seen["train_score"] - seen["test_score"]), 10),
        "train_accuracy": 100 * seen["train_score"],
        "test_accuracy": 100 * seen["test_score"],
        "train_loss": seen["train_loss"],
        "test_loss": seen["test_loss"],
    }
    return [
        {name: values[place].item() for name, values in found.items()}
        for place in range(nets.count)
    ]


def train(sample: Sample, noise: str, epochs: int) -> Replicas:
    """Networks after some epochs; arms have the same first weights and batches.

    Without noise a step passes all rows, so that batch norms see them all, and takes the loss of
    the batch alone.
    """
    make = partial(
        perceptron,
        sample.features,
        sample.classes,
        batch_norm=noise in (QUIET, NOISY),
        drop=LISTED if noise == DROPOUT else 0.0,
    )
    networks = []
    for seed in sample.seeds:
        torch.manual_seed(seed)
        networks.append(make().to(sample.train.x.device))
    nets = Replicas(networks).train()
    optimiser = OPTIMISERS["AdamW"](nets.parameters(), RATE)
    each = torch.arange(nets.count, device=sample.train.x.device)[:, None]
    streams = [torch.Generator().manual_seed(seed) for seed in sample.seeds]
    for _ in range(epochs):
        for rows in epoch(sample, streams):
            optimiser.zero_grad()
            outputs = outputs_of(nets, sample.train.x, rows, quiet=noise == QUIET)
            losses = nets.each(functional.cross_entropy, outputs, sample.train.y[each, rows])
            losses.sum().backward()
            optimiser.step()
    return nets


def epoch(sample: Sample, streams: Sequence[torch.Generator]) -> Iterator[Tensor]:
    """Batches of an epoch: places of rows, shape (replicas, batch); a last single row is left out.

    Args:
        sample: whose rows.
        streams: one a replica, for the order of its rows.
    """
    rows = sample.train.x.shape[1]
    each = torch.stack([torch.randperm(rows, generator=stream) for stream in streams])
    orders = each.to(sample.train.x.device)
    return (batch for batch in orders.split(BATCH, dim=1) if batch.shape[1] > 1)


def outputs_of(nets: Replicas, x: Tensor, rows: Tensor, *, quiet: bool) -> Tensor:
    """What networks in train mode say of some rows.

    Args:
        nets: with batch norm.
        x: all rows, shape (replicas, rows, features).
        rows: places of the batch, shape (replicas, batch).
        quiet: whether batch norms normalise with the statistics of all rows.
    """
    each = torch.arange(nets.count, device=x.device)[:, None]
    return nets(x)[each, rows] if quiet else nets(x[each, rows])


def gaps(table: pd.DataFrame) -> Figure:
    """By how much each arm narrows the gap, by setting."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    pairs = (
        (NOISY, QUIET, "batch norm's noise alone", BLUE),
        (NOISY, WITHOUT, "batch norm against none", GREEN),
        (DROPOUT, WITHOUT, f"dropout {LISTED} against none", ORANGE),
    )
    for number, (arm, control, label, colour) in enumerate(pairs):
        for place, setting in enumerate(SETTINGS):
            values = _of(table, setting, arm) - _of(table, setting, control)
            draw_blocks(
                axes,
                place + 0.25 * (number - 1),
                values,
                colour=colour,
                width=0.08,
                label=label if place == 0 else None,
            )
    axes.axhspan(-1, 1, color="#EEEEEE", zorder=0)
    axes.axhline(0, color="black", lw=1.5, zorder=0)
    names = [name.replace(", ", ",\n") for name in SETTINGS]
    axes.set_xticks(range(len(SETTINGS)), names, fontsize=14)
    axes.set_ylabel("change of the gap between training\nand test accuracy (points)")
    axes.set_xlabel("grey: counts as none")
    figure.legend(loc="outside lower center", ncols=3)
    shown = HEADLINE["setting"]
    headline = _of(table, str(shown), NOISY) - _of(table, str(shown), QUIET)
    figure.suptitle(
        "The noise in batch statistics changes the gap between training and test\naccuracy by "
        f"{told(headline, '+.1f', 'points')} on listing 3's rows,\na fifth of the labels wrong "
        f"(CPU; dots: {table['block'].nunique()} seeds, diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


def _of(table: pd.DataFrame, setting: str, arm: str) -> NDArray[np.float64]:
    """The gaps of an arm, one a block."""
    rows = table[(table["setting"] == setting) & (table["noise"] == arm)]
    values: NDArray[np.float64] = (
        rows[rows["response"] == "gap"].sort_values("block")["value"].to_numpy(np.float64)
    )
    return values


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does the noise in batch statistics act as a weak regulariser?",
    factors=(SETTING, NOISE),
    responses=(
        Response("gap", "%", "training accuracy less test accuracy, in eval mode"),
        Response("train_accuracy", "%", "training accuracy at the end, in eval mode"),
        Response("test_accuracy", "%", "test accuracy at the end"),
        Response("train_loss", "nat", "training loss at the end, in eval mode"),
        Response("test_loss", "nat", "test loss at the end"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(2, 40, 40),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(gaps,),
)
