"""Do gradients explode when zero_grad is forgotten, and nothing is divided?

The passage sets accumulation that is meant, whose loss is divided by K and whose gradients are
reset, against accumulation by accident: no ``zero_grad`` at all, of which it says that "the
gradients just explode". Four tasks are trained so with three optimisers at usual rates, and the
gradients are judged: their norm must come to ten times that of the correct run. What becomes of the
loss is another statement, of ``bugs`` (C5.05); by its rule the loss stands beside.

Sums of K gradients that are reset are accumulation that is meant, whether divided or not; what the
division does is measured in ``accumulated``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    less_than,
)
from harness.workloads.curves import share_left
from harness.workloads.loop import train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import DIGITS, LINEAR, LOGISTIC, SPIRAL_RELU, TrainingTask
from studies.bugs.grid import (
    BATCH,
    DIVERGES,
    DIVERGES_READING,
    GRADIENTS,
    MILLION,
    SETTINGS,
    SHARE_LEFT,
    as_array,
    losses_of,
    task_of,
)

TASK = Factor("task", (DIGITS, LOGISTIC, LINEAR, SPIRAL_RELU))
#: Usual rates at which the correct loop learns each of these tasks (``bugs.grid``).
CHOSEN = ("SGD, rate 0.1", "momentum, rate 0.01", "Adam, rate 0.001")
SETTING = Factor("setting", CHOSEN)
TYPICAL: dict[str, Level] = {"task": DIGITS, "setting": "Adam, rate 0.001"}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C5.30",
        Ratio("largest_norm", GRADIENTS),
        at_least(10.0),
        reading="The gradients explode: the largest norm of .grad in 1,000 steps is at least ten "
        "times that of the correct run.",
        headline=TYPICAL,
    ),
    Beyond(
        "C5.30",
        Value(SHARE_LEFT.name).at(gradients="kept"),
        DIVERGES,
        why="the loss, where the sentence speaks of the gradients",
        reading=DIVERGES_READING.replace("Then it diverges", "The loss explodes"),
    ),
    Control(
        "the correct loop loses a quarter of its loss",
        Value(SHARE_LEFT.name).at(gradients="reset"),
        less_than(0.75),
    ),
)


@dataclass(frozen=True)
class Cohort:
    """Blocks and their tasks, which training leaves as they were."""

    blocks: tuple[Block, ...]
    tasks: dict[str, TrainingTask]


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Every task with a replica for each block."""
    return Cohort(blocks, {name: task_of(name, blocks) for name in TASK.levels})


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with and without zero_grad."""
    task, steps = cohort.tasks[arm[TASK]], cohort.blocks[0].effort
    epochs = -(-steps // (task.train.x.shape[1] // BATCH))
    log = train(
        task,
        replace(SETTINGS[arm[SETTING]], epochs=epochs),
        Switches(keep_gradients=True) if arm[GRADIENTS] == "kept" else CORRECT,
    )
    losses = losses_of(task, log)
    norms = np.nan_to_num(as_array(log.steps["gradient_norm"]), nan=MILLION, posinf=MILLION)
    found = {
        SHARE_LEFT.name: np.minimum(share_left(losses[0], losses[1:]), MILLION),
        "largest_norm": np.minimum(norms.max(axis=0), MILLION),
    }
    return [
        {name: float(values[place]) for name, values in found.items()}
        for place in range(len(cohort.blocks))
    ]


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="Do gradients explode when zero_grad is forgotten?",
    factors=(TASK, SETTING, GRADIENTS),
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(120, 1000, 2000),  # steps
    prepare_together=prepare,
    measure_together=measure,
    responses=(
        SHARE_LEFT,
        Response("largest_norm", "1", "largest norm of .grad in the training, a million at most"),
    ),
    claims=CLAIMS,
)
