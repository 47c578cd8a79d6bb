"""In the training simulator's setting, does training without zero_grad oscillate and then explode?

Document C lets its readers switch ``zero_grad`` off in a simulator: a network that tells the two
arms of a spiral apart, 500 points, batches of 16, a learning rate of 0.01. It says what they will
see within a training of some epochs: swings at first, an explosion after, and a gradient whose norm
grows in proportion to the steps. That is one pattern, so each training is asked whether it shows
all of it. The simulator's code is not known; 300 of the 500 points are trained on here, for 20
epochs, with both of its optimisers and two activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
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
from harness.figures import BLACK, BLUE, ORANGE
from harness.workloads import Replicas
from harness.workloads.curves import exponent, rises, share_left, straightness
from harness.workloads.loop import Setting, evaluate, train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, make_task
from studies.bugs.grid import as_array

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness.workloads.tasks import TrainingTask

TASK = Factor("task", (SPIRAL_TANH, SPIRAL_RELU))
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
GRADIENTS = Factor("gradients", ("reset", "kept"), control="reset")
LEARNING_RATE, BATCH = 0.01, 16
EARLY = 5  # "the first few epochs"
EXPLODED = 1.0  # powers of ten: ten times the initial loss

CLAIMS = (
    Claim(
        "C6.10",
        Value("as_described").at(gradients="kept").frequency(),
        at_least(0.9),
        reading="In nine of ten trainings all of it is seen: the loss over the training set rises "
        "in at least one of the first five epochs; after 20 epochs it is more than ten times the "
        "initial one; and the gradient's norm grows with a power of the steps between 0.9 and 1.1, "
        "fitted by a straight line with an R^2 above 0.95.",
    ),
    Control(
        "with zero_grad it learns",
        Value("decades").at(gradients="reset"),
        less_than(0.0),
    ),
)
RESPONSES = (
    Response("as_described", "1", "as described"),
    Response("early_rises", "epochs", "early rises"),
    Response(
        "decades", "powers of ten", "from the initial loss to that of the last tenth of the epochs"
    ),
    Response("exponent", "1", "exponent"),
    Response("straightness", "1", "straightness"),
    Response("loss", "nat", "over the training set: before the first epoch, and after each"),
    Response("norm", "1", "of .grad, the mean over an epoch's steps"),
)


@lru_cache(maxsize=2)
def task_of(name: str, blocks: tuple[Block, ...]) -> TrainingTask:
    """The spirals and networks; training leaves them as they were."""
    return make_task(name, blocks)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train a replica for each block."""
    task = task_of(arm[TASK], blocks)
    kept = arm[GRADIENTS] == "kept"
    initial, _ = evaluate(Replicas(task.networks), task, task.train)
    log = train(
        task,
        Setting(arm[OPTIMISER], LEARNING_RATE, epochs=blocks[0].effort, batch=BATCH),
        Switches(keep_gradients=True) if kept else CORRECT,
    )
    losses = np.stack([as_array(loss) for loss in (initial, *log.epochs["true_train_loss"])])
    norms = as_array(log.steps["gradient_norm"])
    found = {
        "early_rises": rises(losses[: EARLY + 1]),
        "decades": np.log10(share_left(losses[0], losses[1:])),
        "exponent": exponent(norms),
        "straightness": straightness(norms),
        "loss": losses,
        "norm": norms.reshape(blocks[0].effort, -1, len(blocks)).mean(axis=1),
    }
    straight = (abs(found["exponent"] - 1) <= 0.1) & (found["straightness"] > 0.95)
    swings = found["early_rises"] >= 1
    found["as_described"] = 1.0 * (straight & swings & (found["decades"] > EXPLODED))
    return [
        {name: values[..., replica].tolist() for name, values in found.items()}
        for replica in range(len(blocks))
    ]


def loss_and_gradient(table: pd.DataFrame) -> Figure:
    """Loss and gradient norm by epoch, with and without zero_grad; medians and 80 % bands."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 4, sharex=True, sharey="row")
    arms = [(optimiser, task) for optimiser in OPTIMISER.levels for task in TASK.levels]
    for column, (optimiser, task) in enumerate(arms):
        of_arm = table[(table["optimiser"] == optimiser) & (table["task"] == task)]
        for axes, response, first in zip(panels[:, column], ("loss", "norm"), (0, 1), strict=True):
            _bands(axes, of_arm[of_arm["response"] == response], first)
            axes.set_yscale("log")
        panels[0, column].set_title(f"{optimiser}\n{task.split(', ')[1]}", fontsize=18)
        panels[1, column].set_xlabel("epoch")
    panels[0, 0].set_ylabel("training loss (nat)", fontsize=17)
    panels[1, 0].set_ylabel("norm of .grad", fontsize=17)
    handles = panels[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    kept = table[(table["response"] == "decades") & (table["gradients"] == "kept")]
    exploded = float((kept["value"] > EXPLODED).mean())
    described = table[(table["response"] == "as_described") & (table["gradients"] == "kept")]
    powers = table[(table["response"] == "exponent") & (table["gradients"] == "kept")]
    grows = powers.groupby(["optimiser", "task"])["value"].median()
    figure.suptitle(
        f"Spiral without zero_grad: {exploded:.0%} of trainings explode, "
        f"{described['value'].mean():.0%} do all that is said;\nthe gradient grows as "
        f"steps^{grows.min():.2f} to steps^{grows.max():.2f} "
        f"({table['block'].nunique()} seeds: medians, 80 % bands)"
    )
    return figure


def _bands(axes: Axes, rows: pd.DataFrame, first: int) -> None:
    """The curves of both loops; the first value is that of this epoch."""
    for gradients, colour, name in (("kept", ORANGE, "without"), ("reset", BLUE, "with zero_grad")):
        by_epoch = rows[rows["gradients"] == gradients].groupby("round")["value"]
        low, middle, high = (by_epoch.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
        epochs = np.arange(first, first + len(middle))
        axes.fill_between(epochs, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(epochs, middle, color=colour, label=name)
        if first and gradients == "kept":  # the norm that a sum of equal gradients would have
            axes.plot(epochs, middle[0] * epochs, "--", color=BLACK, linewidth=1.5)
    if not first:
        axes.plot([], [], "--", color=BLACK, linewidth=1.5, label="in proportion to the steps")


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does the simulator's training without zero_grad oscillate and then explode?",
    factors=(TASK, OPTIMISER, GRADIENTS),
    blocks=PerProfile(2, 60, 100),  # below 51, no share could be shown to be above 0.9
    together=PerProfile(2, 20, 20),
    effort=PerProfile(6, 20, 20),  # epochs
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_and_gradient,),
)
