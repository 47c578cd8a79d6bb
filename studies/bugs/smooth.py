"""Does normal training converge smoothly?

A perceptron learns the two arms of a spiral, as in document C's simulator, without any bug: 500
points of which 300 are trained on, batches of 16, a learning rate of 0.01 as its sliders stand at
first, and of other usual sizes. The training loss is what a loop prints, the mean over an epoch's
steps. Smooth is read as the catalogue proposes: from one epoch to the next that mean does not rise
in at least 90 % of the epochs.

The verdict speaks for 30 epochs of small networks. There are 60 seeds, for the share moves in steps
of 1/29 and one such step lies on either side of the rule. Where a loss is near its end it must
waver, for the batches differ: a rise says nothing of how large it is (see ``largest_rise``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    less_than,
)
from harness.figures import PALETTE
from harness.libraries import torch
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, make_task

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TASK = Factor("task", (SPIRAL_TANH, SPIRAL_RELU))
RECIPES = {
    "SGD, 0.01": ("SGD", 0.01),
    "SGD, 0.1": ("SGD", 0.1),
    "Adam, 0.001": ("Adam", 0.001),
    "Adam, 0.01": ("Adam", 0.01),
}
RECIPE = Factor("recipe", tuple(RECIPES))
BATCH = 16
SMOOTH = 0.9

CLAIMS = (
    Claim(
        "C5.34",
        Value("not_rising"),
        at_least(SMOOTH),
        reading="Smoothly: the mean loss of an epoch is not above that of the epoch before in at "
        "least 90 % of the epochs, whatever the optimiser and its learning rate.",
    ),
    Control(
        "training does lower the loss",
        Value("last_over_first").at(recipe="Adam, 0.01"),
        less_than(1),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train without any bug; a round is an epoch."""
    torch.manual_seed(blocks[0].seed)
    optimiser, lr = RECIPES[arm[RECIPE]]
    setting = Setting(optimiser, lr, epochs=blocks[0].effort, batch=BATCH)
    losses = train(make_task(arm[TASK], blocks), setting).epochs["train_loss"]
    return [describe(losses[:, place].tolist()) for place in range(len(blocks))]


def describe(losses: Sequence[float]) -> Responses:
    """The curve of an epoch's mean loss, and how smooth it is."""
    steps = np.diff(losses)
    return {
        "train_loss": list(losses),
        "not_rising": float((steps <= 0).mean()),
        "largest_rise": float(max(steps.max(), 0) / losses[0]),
        "last_over_first": losses[-1] / losses[0],
    }


def normal_curves(table: pd.DataFrame) -> Figure:
    """The loss of every seed by epoch, for each task and recipe."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels), sharey=True)
    losses = table[table["response"] == "train_loss"]
    for axes, task in zip(panels, TASK.levels, strict=True):
        for recipe, colour in zip(RECIPE.levels, PALETTE, strict=False):
            at = losses[(losses["task"] == task) & (losses["recipe"] == recipe)]
            curves = at.pivot_table(index="round", columns="block", values="value")
            axes.plot(curves.index + 1, curves, color=colour, lw=0.8, alpha=0.5)
            axes.plot([], [], color=colour, label=recipe)
        axes.set_title(task, fontsize=18)
        axes.set_yscale("log")
        axes.tick_params(which="minor", labelsize=13)
        axes.set_xlabel("epoch")
    panels[0].set_ylabel("mean training loss of the epoch (nat)")
    panels[0].legend(loc="lower left", fontsize=14)
    figure.suptitle(_headline(table), fontsize=19)
    return figure


def _headline(table: pd.DataFrame) -> str:
    at = table["response"] == "not_rising"
    shares = 100 * table[at].groupby(["recipe"])["value"].median()
    found = ", ".join(f"{recipe}: {shares[recipe]:.0f} %" for recipe in RECIPE.levels)
    return (
        f"Epochs without a rise: {found}\n"
        f"(medians; every line is one of {table['block'].nunique()} trainings without a bug)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does normal training converge smoothly?",
    factors=(TASK, RECIPE),
    responses=(
        Response("train_loss", "nat", "train loss"),
        Response("not_rising", "1", "not rising"),
        Response("largest_rise", "1", "largest rise"),
        Response("last_over_first", "1", "last over first"),
    ),
    blocks=PerProfile(3, 60, 60),
    together=PerProfile(3, 60, 60),
    effort=PerProfile(10, 30, 30),
    measure_together=measure,
    claims=CLAIMS,
    figures=(normal_curves,),
)
