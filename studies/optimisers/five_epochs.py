"""Does the loss drop smoothly in five epochs of Adam at a rate of 0.01?

The simulator's first experiment: 500 points of a spiral, all of them trained on, in batches of 16.
How far the spiral winds is not said: it is a curve over the turns, judged at those of the
neighbouring claims.

Smooth is what it is in ``bugs/smooth``, where document C says of normal training that it converges
smoothly: no rise of an epoch's mean loss above 5 % of the first epoch's, until nine tenths of the
fall are done. To drop is to end a fifth lower or more. A setting must show both: a loss that does
not move is as smooth as can be. How low it ends is no matter.
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
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    less_than,
    more_than,
)
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import SPIRAL_RELU
from studies.bugs.smooth import SMOOTH, describe, largest
from studies.optimisers.descent import as_numbers
from studies.optimisers.spirals import BATCH, RATE, TASK, TURNS, USUAL_TURNS, whole_spiral

EPOCHS = 5
DROPPED = at_most(0.8)
LEVEL = "a level hangs on how far the spiral winds, and the words are about smoothness"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C6.02",
        Value("largest_rise").along(TURNS, judged=TURNS.levels),
        SMOOTH,
        reading="Smoothly: until nine tenths of its fall are done, the mean training loss of an "
        "epoch is never above that of the epoch before by more than 5 % of its first value.",
        jointly="drops smoothly",
    ),
    Claim(
        "C6.02",
        Value("last_over_first").along(TURNS, judged=TURNS.levels),
        DROPPED,
        reading="It drops: the fifth epoch's mean loss is a fifth or more below the first's.",
        headline={"task": SPIRAL_RELU, "turns": USUAL_TURNS},
        jointly="drops smoothly",
    ),
    Beyond(
        "C6.02",
        Value("rise_of_fall"),
        at_most(0.05),
        why="a stricter rule: rises to the last epoch, against the fall",
        reading="No epoch's mean loss is above that of the epoch before by more than 5 % of the "
        "whole fall.",
    ),
    Beyond("C6.02", Value("loss"), less_than(0.2), why=LEVEL, reading="It ends below 0.2."),
    Beyond(
        "C6.02", Value("accuracy"), more_than(95.0), why=LEVEL, reading="It ends above 95 % right."
    ),
    Control("the networks begin as good as chance", Value("first_loss"), less_than(1.0)),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train five epochs; what is looked at is the curve of the epochs' mean losses."""
    task = whole_spiral(arm[TASK], blocks, arm[TURNS])
    log = train(task, Setting("Adam", RATE, epochs=EPOCHS, batch=BATCH))
    losses = as_numbers(log.epochs["train_loss"])
    ends = as_numbers(log.epochs["true_train_loss"])[-1]
    right = 100 * as_numbers(log.epochs["true_train_score"])[-1]
    return [
        {
            **describe(losses[:, place].tolist()),
            "rise_of_fall": rise_of_fall(losses[:, place].tolist()),
            "first_loss": losses[0, place],
            "loss": ends[place],
            "accuracy": right[place],
        }
        for place in range(len(blocks))
    ]


def rise_of_fall(losses: Sequence[float]) -> float:
    """The largest rise over the whole fall; 1 where the loss does not fall at all."""
    fall = losses[0] - losses[-1]
    return largest(np.diff(losses)) / fall if fall > 0 else 1.0


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does the loss drop smoothly in five epochs of Adam at 0.01?",
    factors=(TASK, TURNS),
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
        Response("rise_of_fall", "1", "largest rise of an epoch's mean loss over the whole fall"),
        Response("last_over_first", "1", "mean loss of the last epoch over that of the first"),
        Response("first_loss", "nat", "mean loss of the first epoch"),
        Response("loss", "nat", "loss on all training rows after five epochs"),
        Response("accuracy", "%", "training accuracy after five epochs"),
    ),
    blocks=PerProfile(2, 60, 120),
    together=PerProfile(2, 20, 20),
    measure_together=measure,
    claims=CLAIMS,
)
