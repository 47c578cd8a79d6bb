"""In the training simulator's setting, does training without zero_grad oscillate and then explode?

Document C lets its readers switch ``zero_grad`` off in a simulator: a network that tells the two
arms of a spiral apart, 500 points, batches of 16, a learning rate of 0.01. It says what they will
see: swings in the first epochs, an explosion after, and a gradient whose norm grows in proportion
to the steps. These are three statements, each judged by the rule that it has in ``no_zero_grad``,
with both of the simulator's optimisers and two activations. The simulator's code is not known; 300
of the 500 points are trained on here, for 20 epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    less_than,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval, told
from harness.workloads.curves import exponent, share_left, swings
from harness.workloads.loop import Setting, train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, make_task
from studies.bugs.grid import (
    DIVERGED,
    DIVERGES,
    DIVERGES_READING,
    EXPONENT,
    GRADIENTS,
    LINEARLY,
    LINEARLY_READING,
    MILLION,
    OSCILLATES,
    OSCILLATES_READING,
    SHARE_LEFT,
    STEP,
    SWING,
    SWINGS,
    as_array,
    before_divergence,
    losses_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from harness.workloads.tasks import TrainingTask

TASK = Factor("task", (SPIRAL_TANH, SPIRAL_RELU))
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
LEARNING_RATE, BATCH = 0.01, 16
#: The simulator names no optimiser for this; Adam is the one that it begins with.
TYPICAL: dict[str, Level] = {"task": SPIRAL_RELU, "optimiser": "Adam"}

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C6.10",
        Value(SHARE_LEFT.name).at(gradients="kept"),
        DIVERGES,
        reading=f"It explodes within 20 epochs: {DIVERGES_READING.partition(': ')[2]}",
        headline=TYPICAL,
    ),
    Claim(
        "C6.10",
        Value(SWINGS.name).at(gradients="kept"),
        OSCILLATES,
        reading=OSCILLATES_READING.replace("oscillates wildly", "oscillates at first"),
    ),
    *(
        Claim(
            name,
            Value(EXPONENT.name).at(gradients="kept"),
            LINEARLY,
            reading=LINEARLY_READING,
        )
        for name in ("C6.10", "C5.31")
    ),
    Control(
        "with zero_grad it learns",
        Value(SHARE_LEFT.name).at(gradients="reset"),
        less_than(1.0),
    ),
)
RESPONSES = (
    SHARE_LEFT,
    SWINGS,
    EXPONENT,
    Response("loss", "nat", "training loss, before the first epoch and after each"),
    Response("norm", "1", "norm of .grad, the mean over an epoch's steps"),
)


@dataclass(frozen=True)
class Spirals:
    """The blocks of a cohort and their tasks, which training leaves as they were."""

    blocks: tuple[Block, ...]
    tasks: Mapping[str, TrainingTask]


def prepare(blocks: tuple[Block, ...]) -> Spirals:
    """Spirals and networks."""
    return Spirals(blocks, {name: make_task(name, blocks) for name in TASK.levels})


def measure(spirals: Spirals, arm: Arm) -> Sequence[Responses]:
    """Train a replica for each block."""
    blocks, task = spirals.blocks, spirals.tasks[arm[TASK]]
    log = train(
        task,
        Setting(arm[OPTIMISER], LEARNING_RATE, epochs=blocks[0].effort, batch=BATCH),
        Switches(keep_gradients=True) if arm[GRADIENTS] == "kept" else CORRECT,
    )
    losses, norms = losses_of(task, log), as_array(log.steps["gradient_norm"])
    found = {
        "share_left": np.minimum(share_left(losses[0], losses[1:]), MILLION),
        "swings": swings(before_divergence(losses), SWING * losses[0]),
        "exponent": exponent(norms[:STEP]),
        "loss": losses,
        "norm": norms.reshape(blocks[0].effort, -1, len(blocks)).mean(axis=1),
    }
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
        explode = 100 * (_ends(table)[optimiser, task] >= DIVERGED).mean()
        name = f"{optimiser}, {task.split(', ')[1]}\n{explode:.0f} % explode"
        panels[0, column].set_title(name, fontsize=17)
        panels[1, column].set_xlabel("epoch")
    panels[0, 0].set_ylabel("training loss (nat)", fontsize=17)
    panels[1, 0].set_ylabel("norm of .grad", fontsize=17)
    handles = panels[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    figure.suptitle(_headline(table), fontsize=17)
    return figure


def _headline(table: pd.DataFrame) -> str:
    """How far the loss goes where it goes farthest, and in how many arms it explodes."""
    ends = _ends(table)
    worst = max(ends, key=lambda arm: float(np.median(ends[arm])))
    exploded = sum(median_interval(values).low >= DIVERGED for values in ends.values())
    epochs = int(table[table["response"] == "loss"]["round"].max())
    return (
        f"Spiral without zero_grad: by its 99 % interval the loss explodes in {exploded} of "
        f"{len(ends)} settings;\nwhere it goes farthest ({', '.join(worst)}) it ends at\n"
        f"{told(ends[worst], '.1f')} times the initial loss\n({epochs} epochs; lines and "
        f"bands: median and middle 80 % of {table['block'].nunique()} seeds)"
    )


def _ends(table: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.float64]]:
    """The loss at the end without zero_grad, initial loss = 1, by optimiser and task."""
    kept = table[(table["response"] == "share_left") & (table["gradients"] == "kept")]
    found: Any = kept.groupby(["optimiser", "task"])["value"]
    return {arm: values.to_numpy(np.float64) for arm, values in found}


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


EXPERIMENT: Experiment[Spirals] = Experiment(
    question="Does the simulator's training without zero_grad oscillate and then explode?",
    factors=(TASK, OPTIMISER, GRADIENTS),
    on_cpu=True,
    blocks=PerProfile(2, 40, 80),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(6, 20, 20),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_and_gradient,),
)
