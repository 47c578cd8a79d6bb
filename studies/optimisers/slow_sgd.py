"""Is SGD at a rate of 0.01 slow on the spiral, ten epochs long?

Slow beside Adam at the same rate, as the passage has it: after ten epochs plain SGD has less than
half of the fall of the loss that Adam has. The loss is that of all training rows. A level that the
loss stays above would measure how far the spiral winds.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    Ratio,
    Response,
    Responses,
    Value,
    less_than,
    more_than,
)
from harness.workloads import Replicas
from harness.workloads.tasks import SPIRAL_RELU, make_task
from studies.optimisers.descent import Recipe, descend, train_loss
from studies.optimisers.spirals import BATCH, RATE, TASK

EPOCHS = 10
OPTIMISER = Factor(
    "optimiser",
    ("Adam", "SGD", "momentum"),
    control="Adam",
    words={"momentum": "SGD with momentum 0.9"},
)
SLOW = less_than(0.5)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C6.07",
        Ratio("fall", OPTIMISER).at(optimiser="SGD"),
        SLOW,
        reading="Slow: in ten epochs the loss falls by less than half of what it falls by with "
        "Adam at the same rate.",
        headline={"task": SPIRAL_RELU},
    ),
    Beyond(
        "C6.07",
        Ratio("fall", OPTIMISER).at(optimiser="momentum"),
        SLOW,
        why="momentum, which the passage does not name",
    ),
    Beyond(
        "C6.07",
        Value("loss").at(optimiser="SGD"),
        more_than(0.3),
        why="a level, which hangs on how far the spiral winds",
        reading="After ten epochs the loss is still above 0.3.",
    ),
    Control("Adam's loss falls", Value("fall").at(optimiser="Adam"), more_than(0.01)),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train ten epochs."""
    task = make_task(arm[TASK], blocks)
    losses = [train_loss(task, Replicas(task.networks))]
    for step in descend(task, Recipe(arm[OPTIMISER], RATE, BATCH)):
        if step.ends_epoch:
            losses.append(train_loss(task, step.nets))
        if len(losses) > EPOCHS:
            break
    curve = np.stack(losses)
    return [
        {"loss": curve[-1, place], "fall": curve[0, place] - curve[-1, place]}
        for place in range(len(blocks))
    ]


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is SGD at a rate of 0.01 slow on the spiral, ten epochs long?",
    factors=(TASK, OPTIMISER),
    responses=(
        Response("loss", "nat", "loss on all training rows after ten epochs"),
        Response("fall", "nat", "fall of the loss in ten epochs"),
    ),
    blocks=PerProfile(2, 40, 80),
    together=PerProfile(2, 20, 20),
    measure_together=measure,
    claims=CLAIMS,
)
