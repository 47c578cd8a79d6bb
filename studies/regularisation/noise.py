"""Do enough parameters memorise noise?

Labels are drawn anew, with no regard to the rows: there is nothing to learn from them but the rows
themselves. Perceptrons of two hidden layers are trained by Adam without any regulariser, on digits,
on breast cancer rows and on the normal features of listing 3, and asked for the labels they were
shown. "Enough" is a network with at least fifty times as many parameters as rows; narrower ones
stand in the curve beside it, and their failure is no counterexample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, told
from harness.libraries import torch
from harness.workloads import mlp
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample, SampleName, draw_sample
from harness.workloads.tasks import Part
from studies.regularisation.nets import Rows, by_block, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Setting(NamedTuple):
    """How many rows to train on, and features and classes there are."""

    sample: SampleName
    rows: int
    features: int
    classes: int


TASKS: Mapping[str, Setting] = {
    "digits": Setting("digits", 500, 64, 10),
    "breast cancer": Setting("breast cancer", 250, 30, 2),
    "normal features": Setting("listing 3", 500, 50, 4),
}
TASK = Factor("task", tuple(TASKS))
WIDTHS, ENOUGH = (4, 16, 64, 256), 256
WIDTH = Factor("width", WIDTHS, label="hidden units a layer")
BATCH, EPOCHS = 50, 10  # epochs for each unit of effort

CLAIMS = (
    Claim(
        "D-intro-2",
        Value("memorised").along(WIDTH, judged=(ENOUGH,)),
        at_least(95.0),
        reading="Memorise noise: a network with at least fifty times as many parameters as rows "
        "gives back 95 % or more of labels drawn at random, after 100 epochs.",
        headline={"task": "digits", "width": ENOUGH},
    ),
)


def prepare(blocks: Sequence[Block]) -> Rows:
    """Draw rows and labels; ``block.effort`` is a tenth of the epochs."""
    seeds = seeds_of(blocks)
    samples = {
        task: with_random_labels(draw_sample(each.sample, seeds, train=each.rows))
        for task, each in TASKS.items()
    }
    return Rows(samples, blocks[0].effort)


def with_random_labels(sample: Sample) -> Sample:
    """The rows to train on with labels that have nothing to do with them, each class as likely."""
    drawn = [
        torch.randint(sample.classes, labels.shape, generator=torch.Generator().manual_seed(seed))
        for seed, labels in zip(sample.seeds, sample.train.y, strict=True)
    ]
    return replace(sample, train=Part(sample.train.x, torch.stack(drawn)))


def measure(rows: Rows, arm: Arm) -> Sequence[Responses]:
    """Train on noise, and ask for it."""
    setting, width = TASKS[arm[TASK]], arm[WIDTH]
    epochs = rows.effort * EPOCHS
    history = fit(
        lambda: mlp(setting.features, setting.classes, hidden=width),
        rows.samples[arm[TASK]],
        Recipe(epochs=epochs, batch=BATCH, optimiser="Adam", watch_every=epochs),
    )
    count = len(rows.samples[arm[TASK]].seeds)
    return by_block(
        {
            "memorised": 100 * history.last("train_score"),
            "held_out": 100 * history.last("test_score"),
            "parameters": np.full(count, parameters(setting, width) / setting.rows),
        }
    )


def parameters(setting: Setting, width: int) -> int:
    """How many parameters the network has."""
    return sum(p.numel() for p in mlp(setting.features, setting.classes, hidden=width).parameters())


COLOURS = (BLUE, ORANGE, GREEN)


def memory(table: pd.DataFrame) -> Figure:
    """How many random labels are given back, by the number of parameters a row."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for (task, setting), colour in zip(TASKS.items(), COLOURS, strict=True):
        mine = table[table["task"] == task]
        shares = mine[mine["response"] == "memorised"].groupby("width")["value"]
        x = [parameters(setting, width) / setting.rows for width in WIDTHS]
        low, middle, high = (shares.quantile(q).reindex(WIDTHS) for q in (0.1, 0.5, 0.9))
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, middle, color=colour, marker="o", label=f"{task}, {setting.classes} classes")
        axes.axhline(100 / setting.classes, color=colour, linewidth=1.5, linestyle=":")
    axes.axhline(95, color=BLACK, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_ylim(0, 104)
    axes.set_xlabel("parameters for each training row")
    axes.set_ylabel("random labels given back (%)")
    axes.legend(loc="lower right")
    widest = table[(table["width"] == ENOUGH) & (table["response"] == "memorised")]
    digits = widest[widest["task"] == "digits"]["value"].to_numpy(np.float64)
    figure.suptitle(
        f"A wide perceptron gives back {told(digits, '.1f', '%')} of random labels of digits\n"
        f"(256 hidden units a layer, Adam, 100 epochs, CPU; medians over "
        f"{table['block'].nunique()} seeds, bands: middle 80 %; dotted: by chance)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Rows] = Experiment(
    question="Do enough parameters memorise noise?",
    factors=(TASK, WIDTH),
    responses=(
        Response("memorised", "%", "share of random labels given back"),
        Response("held_out", "%", "accuracy on test rows with their true labels"),
        Response("parameters", "1", "parameters for each training row"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 10, 10),
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(memory,),
)
