"""Is SGD at a rate of 0.01 slow on the spiral, ten epochs long?

Slow beside Adam at the same rate, as the passage has it: after ten epochs on the simulator's 500
points plain SGD has less than half of the fall of the loss that Adam has. The loss is that of all
these points. A level that the loss stays above would measure how far the spiral winds; that is not
said, and is varied as in the neighbouring claims.

The ratio of two falls says something where there is a fall: it is judged where Adam's loss falls by
a third or more, which a control checks. On the tightest spiral the network with tanh has hardly
begun after ten epochs of Adam; that is known from earlier runs, on other seeds, and shown beside.
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
    at_least,
    less_than,
    more_than,
)
from harness.workloads import Replicas
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH
from studies.optimisers.descent import Recipe, descend, train_loss
from studies.optimisers.spirals import BATCH, RATE, TASK, TURNS, USUAL_TURNS, whole_spiral

EPOCHS = 10
OPTIMISER = Factor(
    "optimiser",
    ("Adam", "SGD", "momentum"),
    control="Adam",
    words={"momentum": "SGD with momentum 0.9"},
)
SLOW = less_than(0.5)
#: The turns at which Adam gets somewhere in ten epochs, for each network.
FALLING = {SPIRAL_RELU: TURNS.levels, SPIRAL_TANH: TURNS.levels[:-1]}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C6.07",
            Ratio("fall", OPTIMISER).at(optimiser="SGD", task=task, turns=turns),
            SLOW,
            reading="Slow: in ten epochs the loss falls by less than half of what it falls by with "
            "Adam at the same rate.",
            headline={"turns": USUAL_TURNS} if task == SPIRAL_RELU else False,
        )
        for task, turns in FALLING.items()
    ),
    Beyond(
        "C6.07",
        Ratio("fall", OPTIMISER).at(optimiser="SGD", task=SPIRAL_TANH, turns=USUAL_TURNS),
        SLOW,
        why="Adam's own loss has hardly fallen in ten epochs: a ratio of two near-nothings",
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
    *(
        Control(
            "where SGD is judged, Adam's loss falls by a third",
            Value("fallen").at(optimiser="Adam", task=task, turns=turns),
            at_least(1 / 3),
        )
        for task, turns in FALLING.items()
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train ten epochs."""
    task = whole_spiral(arm[TASK], blocks, arm[TURNS])
    losses = [train_loss(task, Replicas(task.networks))]
    for step in descend(task, Recipe(arm[OPTIMISER], RATE, BATCH)):
        if step.ends_epoch:
            losses.append(train_loss(task, step.nets))
        if len(losses) > EPOCHS:
            break
    curve = np.stack(losses)
    return [
        {
            "loss": curve[-1, place],
            "fall": curve[0, place] - curve[-1, place],
            "fallen": 1 - curve[-1, place] / curve[0, place],
        }
        for place in range(len(blocks))
    ]


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is SGD at a rate of 0.01 slow on the spiral, ten epochs long?",
    factors=(TASK, TURNS, OPTIMISER),
    responses=(
        Response("loss", "nat", "loss on all training rows after ten epochs"),
        Response("fall", "nat", "fall of the loss in ten epochs"),
        Response("fallen", "1", "fall of the loss in ten epochs as a share of what it began with"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    measure_together=measure,
    claims=CLAIMS,
)
