"""With rates near 0.9 in several stacked layers, does averaged inference fit its ensemble badly?

Perceptrons with two and three hidden layers, each 256 wide and followed by dropout, are trained at
rates of 0.5 and 0.9. Averaged inference is the one pass in eval mode; the ensemble is the mean of
what the network gives, logits, over a thousand passes, each with masks of its own. The distance of
the two is the total variation of their probabilities: half of the summed differences, the mean over
rows held out. By this measure, and with this edge, another passage's "averaging them at inference
time" is judged at a rate of one half (D-drop-2), so that the two cannot contradict each other; the
distance from the mean of probabilities is shown beside both. Badly means 0.05 or
more, and 0.02 or more above the same distance at a rate of 0.5, which the passage sets it against:
both of one task.

The passage says that such networks underfit, and not that they have learnt nothing: one that gives
every class the same probability does so in eval mode too, and is no test. Data, depth and length of
training are chosen so that the rows trained on are learnt at a rate of 0.9 as well, which is shown:
three layers learn wine and breast cancer, two digits and the classes of listing 3; in three layers
digits are not learnt in any time that is to be had here.

The mean of a thousand passes is itself only known up to noise. The distance of the means of its two
halves says how large that is, and is reported; it is the larger, the more the passes differ. One
hidden layer, and what the distance does to the accuracy, are shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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
from harness.libraries import torch
from harness.workloads.fitting import Recipe, fit, logits
from harness.workloads.samples import SampleName, draw_sample
from harness.workloads.tasks import Part
from studies.mc_dropout.levels import FAR, HALF, HIGH, WINE
from studies.mc_dropout.levels import STACKED_CANCER as CANCER
from studies.mc_dropout.levels import STACKED_DIGITS as DIGITS
from studies.mc_dropout.levels import STACKED_LISTING as LISTING
from studies.mc_dropout.nets import perceptron
from studies.mc_dropout.passes import Moments, Numbers, dropout_alone, passes
from studies.mc_dropout.stacked_figures import distance_by_rate

if TYPE_CHECKING:
    from harness.workloads import Replicas

TASK = Factor("task", (DIGITS, LISTING, CANCER, WINE))
RATE = Factor("rate", (HALF, HIGH), control=HALF, label="dropout rate")
LAYERS = Factor("layers", (3, 2, 1), words={3: "three layers", 2: "two layers", 1: "one layer"})
PASSES, ROWS, WIDTH = 1000, 20, 256
#: Rows to train on, and epochs in which they are learnt at a rate of 0.9.
PLANS: dict[str, tuple[SampleName, int, int]] = {
    DIGITS: ("digits", 400, 60),
    LISTING: ("listing 3", 500, 60),
    CANCER: ("breast cancer", 200, 60),
    WINE: ("wine", 88, 160),
}
#: Layers of each task that are judged.
STACKED = {DIGITS: 2, LISTING: 2, CANCER: 3, WINE: 3}

BADLY, FARTHER = at_least(FAR), at_least(0.02)
BADLY_READING = (
    "Approximates badly: at a rate of 0.9 in each layer the pass in eval mode is 0.05 or more away "
    "from the mean of 1,000 passes (total variation of the probabilities that both logits give)."
)
FROM_PROBABILITIES = (
    "At a rate of 0.9 the pass in eval mode is 0.05 or more away from the mean probabilities of "
    "1,000 passes (total variation)."
)
FARTHER_READING = (
    "It is the high rate that does it: the distance at a rate of 0.9 is larger than at 0.5 by 0.02 "
    "or more."
)
OF_PROBABILITIES = "the mean of the passes' probabilities, where the rule was set for their logits"
TOGETHER = "far, and farther than at one half"
ONE_LAYER = "one hidden layer, where the passage speaks of several"


def stacked(contrast: Value | Difference) -> list[Value | Difference]:
    """A contrast at the high rate, for each task in the layers that are judged."""
    return [contrast.at(rate=HIGH, task=task, layers=count) for task, count in STACKED.items()]


CLAIMS: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-int-3",
            contrast,
            BADLY,
            reading=BADLY_READING,
            headline=task == WINE,
            jointly=TOGETHER,
        )
        for task, contrast in zip(STACKED, stacked(Value("distance")), strict=True)
    ),
    *(
        Claim("D-int-3", contrast, FARTHER, reading=FARTHER_READING, jointly=TOGETHER)
        for contrast in stacked(Difference("distance", RATE))
    ),
    *(
        Beyond("D-int-3", contrast, region, why=OF_PROBABILITIES, reading=reading)
        for response, region, reading in (
            (Value("of_probabilities"), BADLY, FROM_PROBABILITIES),
            (Difference("of_probabilities", RATE), FARTHER, FARTHER_READING),
        )
        for contrast in stacked(response)
    ),
    Beyond(
        "D-int-3",
        Value("distance").at(rate=HIGH, layers=1, task=DIGITS),
        BADLY,
        why=ONE_LAYER,
        reading=BADLY_READING,
    ),
    Beyond(
        "D-int-3",
        Difference("distance", RATE).at(rate=HIGH, layers=1, task=DIGITS),
        FARTHER,
        why=ONE_LAYER,
        reading=FARTHER_READING,
    ),
    *(
        Beyond(
            "D-int-3",
            contrast,
            at_least(0.8),
            why="not the distance but whether there is a trained classifier to speak of",
            reading="In eval mode 80 % of the rows trained on are right or more.",
        )
        for contrast in stacked(Value("train_accuracy"))
    ),
    *(
        Beyond(
            "D-int-3",
            contrast,
            at_least(0.01),
            why="the accuracy, which can stay where probabilities move",
            reading="The pass in eval mode is less accurate than the mean of the passes by a "
            "percentage point or more.",
        )
        for contrast in stacked(Value("accuracy_lost"))
    ),
)

RESPONSES = (
    Response("distance", "1", "total variation between the eval pass and the mean of the passes"),
    Response(
        "of_probabilities",
        "1",
        "total variation between the eval pass and the mean of the passes' probabilities",
    ),
    Response("noise", "1", "total variation between the means of the two halves of the passes"),
    Response("accuracy_lost", "1", "accuracy of the mean of the passes less that in eval mode"),
    Response("ensemble_accuracy", "1", "accuracy of the mean of the passes"),
    Response("train_accuracy", "1", "accuracy in eval mode on the rows trained on"),
)


def total_variation(p: Numbers, q: Numbers) -> Numbers:
    """Half of the summed differences of probabilities, the mean over rows.

    Args:
        p: shape (replicas, rows, classes).
        q: of the same shape.

    Returns:
        Shape (replicas,), between 0 and 1.
    """
    distance: Numbers = np.abs(p - q).sum(axis=2).mean(axis=1) / 2
    return distance


class Ensemble(NamedTuple):
    """Means over passes, shape (replicas, rows, classes).

    Attributes:
        halves: of the logits, for each half of the passes.
        probabilities: of the probabilities, for all of them.
    """

    halves: tuple[Numbers, Numbers]
    probabilities: Numbers

    @property
    def logits(self) -> Numbers:
        """Their mean over all passes."""
        return (self.halves[0] + self.halves[1]) / 2


def ensemble(nets: Replicas, part: Part, count: int) -> Ensemble:
    """The mean answers of an even number of passes."""
    halves, probabilities = (Moments(), Moments()), Moments()
    for place, outputs in enumerate(passes(dropout_alone(nets), part.x, count)):
        halves[place % 2].add(outputs)
        probabilities.add(outputs.softmax(dim=-1))
    return Ensemble((halves[0].mean(), halves[1].mean()), probabilities.mean())


def softmax(outputs: Numbers) -> Numbers:
    """The probabilities of logits, over the last axis."""
    raised = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    found: Numbers = raised / raised.sum(axis=-1, keepdims=True)
    return found


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, and compare the pass in eval mode with the mean over masks."""
    (name, rows, epochs), effort = PLANS[arm[TASK]], blocks[0].effort
    seeds = [block.seed for block in blocks]
    sample = draw_sample(name, seeds, train=rows, device=blocks[0].device)
    epochs = max(1, epochs // effort)
    history = fit(
        lambda: perceptron(
            sample.features, sample.classes, arm[RATE], layers=arm[LAYERS], width=WIDTH
        ),
        sample,
        Recipe(epochs, optimiser="Adam", lr=1e-3, watch_every=epochs),
    )
    torch.manual_seed(blocks[0].seed)
    test = Part(sample.test.x[:, :ROWS], sample.test.y[:, :ROWS])
    many = ensemble(history.nets, test, PASSES // effort)
    mean, once = softmax(many.logits), softmax(logits(history.nets, test).double().cpu().numpy())
    y = test.y.cpu().numpy()
    right, right_once = ((p.argmax(axis=2) == y).mean(axis=1) for p in (mean, once))
    found = {
        "distance": total_variation(once, mean),
        "of_probabilities": total_variation(once, many.probabilities),
        "noise": total_variation(*(softmax(half) for half in many.halves)),
        "accuracy_lost": right - right_once,
        "ensemble_accuracy": right,
        "train_accuracy": history.last("train_score"),
    }
    return [
        {name: float(values[place]) for name, values in found.items()}
        for place in range(len(blocks))
    ]


def _needed(arm: Arm) -> bool:
    """The layers that are judged, and one layer for digits."""
    return arm[LAYERS] == STACKED[arm[TASK]] or (arm[TASK] == DIGITS and arm[LAYERS] == 1)


EXPERIMENT: Experiment[Block] = Experiment(
    question="With rates near 0.9 in stacked layers, is averaged inference far from its ensemble?",
    factors=(TASK, LAYERS, RATE),
    only=_needed,
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(20, 1, 1),  # epochs and passes are divided by it
    measure_together=measure,
    claims=CLAIMS,
    figures=(distance_by_rate,),
)
