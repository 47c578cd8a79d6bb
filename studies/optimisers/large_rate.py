"""At a rate of 1.0, does the loss diverge, and does Adam help without saving the day?

The simulator's defaults, its 500 points among them, with the rate at 1.0, by Adam and by plain SGD,
for 20 epochs. To diverge is to end above the loss of the untrained network, by a tenth of it or
more, or to be no number: a jump at the start that training comes back from is no divergence. Not to
be saved is to end 5 points of accuracy or more below the same training at 0.01; to be helped is to
end at a loss 5 % or more below that of SGD at the same rate. Adam can help at too high a rate where
the rate is too high without it: where SGD ends 5 % lower at 1.0 than at 0.01, as it does with ReLU,
the rate suits it, and the help is not judged. Five epochs, and rates of 10 and 100, are shown
beside.
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
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    less_than,
)
from harness.figures import BLACK, BLUE, ORANGE, told
from harness.workloads.loop import Setting, evaluate, train
from harness.workloads.replicas import Replicas
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH
from studies.bugs.grid import MILLION
from studies.optimisers.descent import as_numbers
from studies.optimisers.spirals import BATCH, POINTS, RATE, TASK, whole_spiral

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from studies.optimisers.descent import Numbers

OPTIMISER = Factor("optimiser", ("SGD", "Adam"), control="SGD")
LEARNING_RATE = Factor("rate", (RATE, 1.0, 10.0, 100.0), control=RATE)
EARLY = 5  # epochs, as the passage trains at 0.01 before

DIVERGES, NOT_SAVED, HELPED = at_least(1.1), at_most(-5.0), at_most(0.95)
DIVERGES_READING = (
    "It diverges: the last of 20 epochs has a mean loss of 1.1 times that of the untrained network "
    "or more, or none that is a number."
)
NOT_SAVED_HALF, HELPED_HALF = "cannot save", "helps"
HELPED_READING = (
    "It helps: at 1.0 Adam's loss on the training rows is 5 % or more below SGD's after 20 epochs."
)
#: Whether SGD ends no lower at 1.0 than at 0.01, as earlier runs have shown and a condition shows.
TOO_HIGH_FOR_SGD, SUITS_SGD = SPIRAL_TANH, SPIRAL_RELU
HIGHER, FIVE = "a rate of 10 or 100", "five epochs, in which a jump at the start still shows"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C6.06",
        Value("ends_at").at(rate=1.0),
        DIVERGES,
        reading=DIVERGES_READING,
        headline={"task": SPIRAL_RELU, "optimiser": "Adam"},
    ),
    Beyond("C6.06", Value("ends_at").at(rate=(10.0, 100.0)), DIVERGES, why=HIGHER),
    Beyond("C6.06", Value("early_at").at(rate=1.0), DIVERGES, why=FIVE),
    Claim(
        "C6.05",
        Difference("accuracy", LEARNING_RATE).at(optimiser="Adam", rate=1.0),
        NOT_SAVED,
        reading="Not saved: after 20 epochs at 1.0 it is 5 points of training accuracy or more "
        "below the same training at 0.01.",
        headline={"task": SPIRAL_RELU},
        half=NOT_SAVED_HALF,
    ),
    Claim(
        "C6.05",
        Ratio("loss", OPTIMISER).at(rate=1.0, task=TOO_HIGH_FOR_SGD),
        HELPED,
        reading=HELPED_READING,
        half=HELPED_HALF,
    ),
    Beyond(
        "C6.05",
        Ratio("loss", OPTIMISER).at(rate=1.0, task=SUITS_SGD),
        HELPED,
        why="a rate that suits SGD, which ends lower with it than at 0.01",
        reading=HELPED_READING,
    ),
    Beyond(
        "C6.05",
        Ratio("loss", LEARNING_RATE).at(optimiser="SGD", rate=1.0),
        at_least(0.95),
        why="not what Adam does but whether 1.0 is too high without it",
        reading="At 1.0 SGD ends no lower than at 0.01, within 5 %.",
    ),
    Beyond(
        "C6.05",
        Difference("accuracy", LEARNING_RATE).at(optimiser="Adam", rate=(10.0, 100.0)),
        NOT_SAVED,
        why=HIGHER,
    ),
    Beyond("C6.05", Ratio("loss", OPTIMISER).at(rate=(10.0, 100.0)), HELPED, why=HIGHER),
    Beyond(
        "C6.05",
        Difference("early_accuracy", LEARNING_RATE).at(optimiser="Adam", rate=1.0),
        NOT_SAVED,
        why=FIVE,
    ),
    Control(
        "at 0.01 Adam's loss falls", Value("ends_at").at(optimiser="Adam", rate=RATE), less_than(1)
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, and read the ends of the curves; a round of ``curve`` is an epoch, 0 the start."""
    task = whole_spiral(arm[TASK], blocks)
    setting = Setting(arm[OPTIMISER], arm[LEARNING_RATE], blocks[0].effort, BATCH)
    untrained = as_numbers(evaluate(Replicas(task.networks), task, task.train)[0])
    epochs = train(task, setting).epochs
    curve = bounded(np.vstack([untrained, as_numbers(epochs["train_loss"])]))
    right = 100 * as_numbers(epochs["true_train_score"])
    found = {
        "curve": curve,
        "ends_at": curve[-1] / untrained,
        "early_at": curve[EARLY] / untrained,
        "accuracy": right[-1],
        "early_accuracy": right[EARLY - 1],
        "loss": bounded(as_numbers(epochs["true_train_loss"])[-1]),
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def bounded(losses: Numbers) -> Numbers:
    """Losses of a million at most, which also stands for no number at all."""
    return np.where(np.isfinite(losses), np.minimum(losses, MILLION), MILLION)


def loss_at_both_rates(table: pd.DataFrame) -> Figure:
    """The loss by epoch at 0.01 and at 1.0, for both optimisers; medians and 80 % bands."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 4, sharey=True)
    arms = [(task, optimiser) for task in TASK.levels for optimiser in ("Adam", "SGD")]
    for axes, (task, optimiser) in zip(panels, arms, strict=True):
        of_arm = table[(table["task"] == task) & (table["optimiser"] == optimiser)]
        _bands(axes, of_arm[of_arm["response"] == "curve"])
        axes.set_title(f"{optimiser}, {task.split(', ')[1]}", fontsize=18)
        axes.set_xlabel("epoch")
        axes.set_yscale("log")
    panels[0].set_ylabel("mean training loss of the epoch (nat)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _bands(axes: Axes, rows: pd.DataFrame) -> None:
    for rate, colour in ((RATE, BLUE), (1.0, ORANGE)):
        by_epoch = rows[rows["rate"] == rate].groupby("round")["value"]
        low, middle, high = (by_epoch.quantile(q) for q in (0.1, 0.5, 0.9))
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(middle.index, middle, color=colour, label=f"rate {rate:g}")
    axes.axhline(np.log(2), color=BLACK, linestyle="--", linewidth=1.5, label="chance, ln 2")


def _headline(table: pd.DataFrame) -> str:
    """Where Adam's loss ends at a rate of 1.0, as a multiple of the untrained network's."""
    at = (table["response"] == "ends_at") & (table["rate"] == 1.0) & (table["optimiser"] == "Adam")
    ends = {task: table[at & (table["task"] == task)]["value"] for task in TASK.levels}
    epochs = int(table[table["response"] == "curve"]["round"].max())
    return (
        f"After {epochs} epochs of Adam at 1.0 the loss is "
        f"{told(ends[SPIRAL_RELU], '.2f')} times\nthe untrained network's (ReLU), "
        f"{told(ends[SPIRAL_TANH], '.2f')} times (tanh)\n"
        f"(spiral, CPU; lines and bands: median and middle 80 % of {table['block'].nunique()} "
        "seeds)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="At a rate of 1.0, does the loss diverge, and does Adam help without saving the day?",
    factors=(TASK, POINTS, OPTIMISER, LEARNING_RATE),
    responses=(
        Response("curve", "nat", "mean training loss of an epoch, a million at most"),
        Response("ends_at", "1", "mean loss of the last epoch over the untrained network's"),
        Response("early_at", "1", "mean loss of the fifth epoch over the untrained network's"),
        Response("accuracy", "%", "training accuracy at the end"),
        Response("early_accuracy", "%", "training accuracy after five epochs"),
        Response("loss", "nat", "loss on all training rows at the end, a million at most"),
    ),
    blocks=PerProfile(2, 40, 80),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(6, 20, 20),  # epochs
    measure_together=measure,
    claims=CLAIMS,
    figures=(loss_at_both_rates,),
)
