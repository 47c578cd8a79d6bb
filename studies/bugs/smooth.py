"""Does normal training converge smoothly?

A perceptron learns the two arms of a spiral, as in document C's simulator, without any bug: 500
points of which 300 are trained on, batches of 16, a learning rate of 0.01 as its sliders stand at
first, and of other usual sizes. The training loss is what a loop prints, the mean over an epoch's
steps. Smooth is a curve without a rise that could be seen: from one epoch to the next that mean
rises by no more than 5 % of its first value, until nine tenths of its fall are done. What it does
on the plateau after that is shown beside: batches differ, so that it must waver there.

The claim speaks of training that converges, so it is judged where the loss falls by half or more
within 60 epochs; lower rates, with which it hardly moves, are shown beside. The verdict speaks for
60 epochs of small networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    Value,
    at_most,
    less_than,
)
from harness.figures import PALETTE, told, wide
from harness.libraries import torch
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, make_task

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TASK = Factor("task", (SPIRAL_RELU, SPIRAL_TANH))
RECIPES = {
    "Adam, rate 0.01": ("Adam", 0.01),
    "Adam, rate 0.001": ("Adam", 0.001),
    "SGD, rate 0.1": ("SGD", 0.1),
    "SGD, rate 0.01": ("SGD", 0.01),
}
RECIPE = Factor("recipe", tuple(RECIPES))
#: Where the loss falls by half or more within 60 epochs, which a control checks.
CONVERGING = {
    SPIRAL_RELU: ("Adam, rate 0.01", "Adam, rate 0.001", "SGD, rate 0.1"),
    SPIRAL_TANH: ("Adam, rate 0.01",),
}
SLOW = {
    task: tuple(recipe for recipe in RECIPES if recipe not in CONVERGING[task])
    for task in TASK.levels
}
BATCH = 16
FALLEN = 0.9  # of the whole fall; after it comes the plateau
SMOOTH = at_most(0.05)  # of the first epoch's loss
SIMULATOR = "Adam, rate 0.01"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C5.34",
            Value("largest_rise").at(task=task, recipe=recipes),
            SMOOTH,
            reading="Smoothly: until nine tenths of its fall are done, the mean training loss of "
            "an epoch is never above that of the epoch before by more than 5 % of its first value.",
            headline={"recipe": SIMULATOR} if task == SPIRAL_RELU else False,
        )
        for task, recipes in CONVERGING.items()
    ),
    *(
        Beyond(
            "C5.34",
            Value("largest_rise").at(task=task, recipe=recipes),
            SMOOTH,
            why="a learning rate at which the loss does not fall by half in 60 epochs",
        )
        for task, recipes in SLOW.items()
    ),
    *(
        Beyond(
            "C5.34",
            Value("rise_to_the_end").at(task=task, recipe=recipes),
            SMOOTH,
            why="the plateau, on which the loss has converged",
            reading="To the last epoch the mean training loss of an epoch is never above that of "
            "the epoch before by more than 5 % of its first value.",
        )
        for task, recipes in CONVERGING.items()
    ),
    *(
        Control(
            "where smoothness is judged, the loss falls by half or more",
            Value("last_over_first").at(task=task, recipe=recipes),
            less_than(0.5),
        )
        for task, recipes in CONVERGING.items()
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
    rises = np.diff(losses)
    return {
        "train_loss": list(losses),
        "largest_rise": largest(rises[: plateau(losses)]) / losses[0],
        "rise_to_the_end": largest(rises) / losses[0],
        "last_over_first": losses[-1] / losses[0],
    }


def plateau(losses: Sequence[float]) -> int:
    """The first epoch, counted from 0, after which nine tenths of the whole fall are done."""
    curve = np.asarray(losses)
    edge = curve[0] - FALLEN * (curve[0] - curve.min())
    return int((curve <= edge).argmax())


def largest(rises: NDArray[np.float64]) -> float:
    """The largest rise, or 0 where there is none."""
    return float(max(rises.max(initial=0.0), 0.0))


def normal_curves(table: pd.DataFrame) -> Figure:
    """The loss by epoch and the largest rise, for each task and recipe."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels), sharey=True)
    for axes, task in zip(panels, TASK.levels, strict=True):
        for recipe, colour in zip(RECIPE.levels, PALETTE, strict=False):
            at = table[(table["task"] == task) & (table["recipe"] == recipe)]
            losses = at[at["response"] == "train_loss"]
            curves = wide(losses, index="round", columns="block")
            low, middle, high = (curves.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
            rise = at[at["response"] == "largest_rise"]["value"].median()
            slow = recipe in SLOW[task]
            label = f"{recipe}: {100 * rise:.1f} %{' (too slow)' if slow else ''}"
            style = "--" if slow else "-"
            axes.fill_between(curves.index + 1, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(curves.index + 1, middle, style, color=colour, label=label)
        axes.set_title(task, fontsize=18)
        axes.set_yscale("log")
        axes.tick_params(which="minor", labelsize=13)
        axes.set_xlabel("epoch")
        axes.legend(loc="lower left", fontsize=14, title="largest rise", title_fontsize=14)
    panels[0].set_ylabel("mean training loss of the epoch (nat)")
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _headline(table: pd.DataFrame) -> str:
    """The largest rise in the simulator's own setting."""
    at = (table["response"] == "largest_rise") & (table["recipe"] == SIMULATOR)
    rises = table[at & (table["task"] == SPIRAL_RELU)]["value"].to_numpy(np.float64)
    return (
        f"Without a bug the loss rises by at most {told(100 * rises, '.1f', '%')} of its "
        f"first\nvalue from one epoch to the next, on the way down ({SPIRAL_RELU}, {SIMULATOR})\n"
        f"(lines and bands: median and middle 80 % of {table['block'].nunique()} trainings)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does normal training converge smoothly?",
    factors=(TASK, RECIPE),
    responses=(
        Response("train_loss", "nat", "mean training loss of an epoch"),
        Response(
            "largest_rise",
            "1",
            "largest rise of an epoch's mean loss over the first epoch's, until nine tenths of the "
            "fall are done",
        ),
        Response(
            "rise_to_the_end", "1", "largest rise of an epoch's mean loss over the first epoch's"
        ),
        Response("last_over_first", "1", "mean loss of the last epoch over that of the first"),
    ),
    on_cpu=True,
    blocks=PerProfile(3, 30, 60),
    together=PerProfile(3, 30, 30),
    effort=PerProfile(10, 60, 60),
    measure_together=measure,
    claims=CLAIMS,
    figures=(normal_curves,),
)
