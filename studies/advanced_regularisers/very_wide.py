"""Can DropConnect help a very wide layer?

The text says it can be effective in very wide layers, and the table names a width: above 4,096. A
net with one hidden layer of 5,120 units learns digits from a hundred rows, with right labels and
with a fifth of them wrong, and the classes of the document's third listing from two hundred: rows
that so many weights fit in a moment. With DropConnect the weights into the layer and out of it are
dropped, at the p = 0.5 that the table calls typical, or at 0.2. One setting in which test accuracy
rises by a point is enough.

Where nothing helps, DropConnect's not helping says nothing. So there must be something to gain: on
the rows with wrong labels the best of the regularisers tried, dropout of one half among them, as it
validates, gains a point, which is a control. A narrow layer on the same rows shows whether the
width has to do with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    Response,
    Responses,
    Value,
    at_least,
)
from harness.libraries import nn
from harness.workloads import regularisers
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import SampleName, draw_sample

BATCH, RATE = 50, 1e-3


class Task(NamedTuple):
    """Rows to train on, and for how long.

    Attributes:
        data: where they come from.
        rows: how many.
        wrong: the share of them with a wrong label.
        steps: in which the wide net has learnt them, and in which wrong labels have done harm.
    """

    data: SampleName
    rows: int
    wrong: float = 0.0
    steps: int = 40


DIGITS, LISTING = "digits, 100 rows", "listing 3, 200 rows"
WRONG = "digits, 100 rows, a fifth of the labels wrong"
TASKS: Mapping[str, Task] = {
    DIGITS: Task("digits", 100),
    WRONG: Task("digits", 100, wrong=0.2, steps=80),
    LISTING: Task("listing 3", 200),
}
HELD_OUT = 500
TASK = Factor("task", tuple(TASKS), label="data")
NARROW, WIDE = 64, 5120
WIDTH = Factor("width", (NARROW, WIDE), label="units")
NOTHING, DROPOUT, BEST = "nothing", "dropout", "best"
#: The probability that a weight is dropped.
CONNECT = {"DropConnect 0.5": 0.5, "DropConnect 0.2": 0.2}
REGULARISERS = (*CONNECT, DROPOUT)
LAYER = Factor(
    "layer",
    (NOTHING, *CONNECT, DROPOUT, BEST),
    control=NOTHING,
    words={
        NOTHING: "no regulariser",
        DROPOUT: "dropout 0.5",
        BEST: "the regulariser that validates best",
    },
)
POINT = 0.01

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-adv-3",
        Difference("accuracy", LAYER).at(width=WIDE, layer=tuple(CONNECT)),
        at_least(POINT),
        reading="Can be effective: in one setting with a layer of 5,120 units test accuracy is at "
        "least a point higher with DropConnect than without.",
        headline={"task": WRONG, "layer": "DropConnect 0.5"},
    ),
    Beyond(
        "D-adv-3",
        Difference("accuracy_last", LAYER).at(width=WIDE, layer=tuple(CONNECT)),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
    Beyond(
        "D-adv-3",
        Difference("accuracy", LAYER).at(width=NARROW, layer=tuple(CONNECT)),
        at_least(POINT),
        why="a narrow layer of 64 units",
    ),
    Beyond(
        "D-adv-3",
        Difference("accuracy", LAYER).at(width=WIDE, layer=DROPOUT, task=WRONG),
        at_least(POINT),
        why="dropout, as a measure of what there is to gain",
        reading="Dropout is effective: test accuracy is at least a point higher than without.",
    ),
    Beyond(
        "D-adv-3",
        Value("fitted").at(width=WIDE, layer=NOTHING),
        at_least(0.99),
        why="whether the wide net fits its rows, so that there is something to regularise",
        reading="Without DropConnect the wide net has 99 % of its training rows right at the end.",
    ),
    Control(
        "there is something to gain: the regulariser that validates best gains a point or more",
        Difference("accuracy", LAYER).at(width=WIDE, task=WRONG, layer=BEST),
        at_least(POINT),
    ),
)


def network(layer: str, features: int, width: int, classes: int) -> nn.Module:
    """One hidden layer, with DropConnect on the weights into it and out of it or without."""
    if layer not in CONNECT:
        dropped = [nn.Dropout(0.5)] if layer == DROPOUT else []
        return nn.Sequential(
            nn.Linear(features, width), nn.ReLU(), *dropped, nn.Linear(width, classes)
        )
    return nn.Sequential(
        regularisers.DropConnect(features, width, CONNECT[layer]),
        nn.ReLU(),
        regularisers.DropConnect(width, classes, CONNECT[layer]),
    )


class Found(NamedTuple):
    """What is read of a training, one number a replica; ``validation`` chooses among trainings."""

    validation: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    accuracy_last: NDArray[np.float64]
    fitted: NDArray[np.float64]


@dataclass
class Trained:
    """Blocks that train together, and what has been found of them."""

    blocks: tuple[Block, ...]
    _found: dict[tuple[str, int, str], Found] = field(default_factory=dict)

    def found(self, name: str, width: int, layer: str) -> Found:
        """What a training gives."""
        key = (name, width, layer)
        if key not in self._found:
            self._found[key] = self._train(*key)
        return self._found[key]

    def _train(self, name: str, width: int, layer: str) -> Found:
        task = TASKS[name]
        sample = draw_sample(
            task.data,
            [block.seed for block in self.blocks],
            train=task.rows,
            held_out=HELD_OUT,
            wrong_labels=task.wrong,
            device=self.blocks[0].device,
        )
        epochs = max(1, task.steps // self.blocks[0].effort * BATCH // task.rows)
        history = fit(
            lambda: network(layer, sample.features, width, sample.classes),
            sample,
            Recipe(epochs, BATCH, lr=RATE, watch_every=max(1, epochs // 5)),
        )
        best = history.val_score.argmax(axis=0)
        return Found(
            history.at("val_score", best),
            history.at("test_score", best),
            history.last("test_score"),
            history.last("train_score"),
        )


def measure(trained: Trained, arm: Arm) -> Sequence[Responses]:
    """Train a net of a width, or choose among those that are regularised."""
    layers = REGULARISERS if arm[LAYER] == BEST else (arm[LAYER],)
    each = [trained.found(arm[TASK], arm[WIDTH], layer) for layer in layers]
    chosen = np.argmax([found.validation for found in each], axis=0)
    columns = {name: np.choose(chosen, [getattr(found, name) for found in each]) for name in NAMES}
    return [
        {name: float(values[place]) for name, values in columns.items()}
        for place in range(len(trained.blocks))
    ]


def tried(arm: Arm) -> bool:
    """Whether the design has it: other regularisers only where something must be to gain."""
    return arm[LAYER] in (NOTHING, *CONNECT) or (arm[WIDTH], arm[TASK]) == (WIDE, WRONG)


RESPONSES = (
    Response("accuracy", "1", "test accuracy at the epoch that validates best"),
    Response("accuracy_last", "1", "test accuracy after the last epoch"),
    Response("fitted", "1", "accuracy on the training rows after the last epoch"),
)
NAMES = tuple(response.name for response in RESPONSES)

EXPERIMENT: Experiment[Trained] = Experiment(
    question="Can DropConnect help a very wide layer?",
    factors=(TASK, WIDTH, LAYER),
    only=tried,
    responses=RESPONSES,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(10, 1, 1),  # steps are divided by it
    prepare_together=Trained,
    measure_together=measure,
    claims=CLAIMS,
)
