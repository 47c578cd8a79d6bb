"""Can DropConnect help a very wide layer?

The text says it can be effective in very wide layers, and the table names a width: above 4,096. A
net with one hidden layer of 5,120 units learns digits from a hundred rows, and the classes of the
document's third listing from two hundred: rows that so many weights fit in a moment. With
DropConnect the weights into the layer and out of it are dropped, at the p = 0.5 that the table
calls typical. One setting in which test accuracy rises by a point is enough. A narrow layer on the
same rows shows whether the width has to do with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.libraries import nn
from harness.workloads import regularisers
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import SampleName, draw_sample

BATCH, RATE, DROP = 50, 1e-3, 0.5


class Task(NamedTuple):
    """Data by their name, and rows of them to train on."""

    data: SampleName
    rows: int


DIGITS, LISTING = "digits, 100 rows", "listing 3, 200 rows"
TASKS: Mapping[str, Task] = {DIGITS: Task("digits", 100), LISTING: Task("listing 3", 200)}
HELD_OUT = 500
TASK = Factor("task", tuple(TASKS), label="data")
NARROW, WIDE = 64, 5120
WIDTH = Factor("width", (NARROW, WIDE), label="units")
NOTHING, DROPCONNECT = "nothing", "DropConnect"
LAYER = Factor("layer", (NOTHING, DROPCONNECT), control=NOTHING, words={NOTHING: "no DropConnect"})
POINT = 0.01

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-3",
        Difference("accuracy", LAYER).at(width=WIDE),
        at_least(POINT),
        reading="Can be effective: in one setting with a layer of 5,120 units test accuracy is at "
        "least a point higher with DropConnect than without.",
        headline={"task": DIGITS},
    ),
    Beyond(
        "D-adv-3",
        Difference("accuracy_last", LAYER).at(width=WIDE),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
    Beyond(
        "D-adv-3",
        Difference("accuracy", LAYER).at(width=NARROW),
        at_least(POINT),
        why="a narrow layer of 64 units",
    ),
    Beyond(
        "D-adv-3",
        Value("fitted").at(width=WIDE, layer=NOTHING),
        at_least(0.99),
        why="whether the wide net fits its rows, so that there is something to regularise",
        reading="Without DropConnect the wide net has 99 % of its training rows right at the end.",
    ),
)


def network(layer: str, features: int, width: int, classes: int) -> nn.Module:
    """One hidden layer, with DropConnect on the weights into it and out of it or without."""
    if layer == NOTHING:
        return nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, classes))
    return nn.Sequential(
        regularisers.DropConnect(features, width, DROP),
        nn.ReLU(),
        regularisers.DropConnect(width, classes, DROP),
    )


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train a net of a width."""
    task = TASKS[arm[TASK]]
    seeds = [block.seed for block in blocks]
    sample = draw_sample(
        task.data, seeds, train=task.rows, held_out=HELD_OUT, device=blocks[0].device
    )
    epochs = max(1, blocks[0].effort * BATCH // task.rows)
    history = fit(
        lambda: network(arm[LAYER], sample.features, arm[WIDTH], sample.classes),
        sample,
        Recipe(epochs, BATCH, lr=RATE, watch_every=max(1, epochs // 5)),
    )
    best = history.val_score.argmax(axis=0)
    found = {
        "accuracy": history.at("test_score", best),
        "accuracy_last": history.last("test_score"),
        "fitted": history.last("train_score"),
    }
    return [
        {name: float(values[place]) for name, values in found.items()}
        for place in np.arange(len(blocks))
    ]


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="Can DropConnect help a very wide layer?",
    factors=(TASK, WIDTH, LAYER),
    responses=(
        Response("accuracy", "1", "test accuracy at the epoch that validates best"),
        Response("accuracy_last", "1", "test accuracy after the last epoch"),
        Response("fitted", "1", "accuracy on the training rows after the last epoch"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(4, 40, 40),  # steps
    measure_together=measure,
    claims=CLAIMS,
)
