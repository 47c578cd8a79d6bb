"""Does much label smoothing slow convergence?

The document's tip for wrong labels warns of too much: 0.3 or more slows convergence. Losses cannot
tell, since smoothing changes what a loss is; so epochs are counted until the accuracy on clean
validation rows first reaches nine tenths of the best that hard labels ever reach on the same seed.
Rates are low, so that this takes several epochs; between two of them the curve is a straight line.
Slower is at least a fifth more, against the default of 0.1; a net that does not get there counts
with all its epochs. Three of ten training labels are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.workloads.fitting import Recipe, fit
from studies.advanced_regularisers.smoothed import (
    BATCH,
    CNN,
    DIGITS,
    LISTING,
    SMOOTHING,
    WRONG,
    as_torch_has_it,
    draw,
    network,
)
from studies.advanced_regularisers.smoothing_figures import convergence

if TYPE_CHECKING:
    from harness.workloads.fitting import History
    from harness.workloads.samples import Sample

Numbers = NDArray[np.float64]

TASK = Factor("task", (DIGITS, LISTING, CNN), label="net and data")
OPTIMISER = Factor("optimiser", ("AdamW", "SGD"))
_AMOUNTS = (0.0, 0.1, 0.3)
AMOUNT = Factor(
    "smoothing", _AMOUNTS, control=0.1, words={each: SMOOTHING.say(each) for each in _AMOUNTS}
)
#: At which nine tenths of the accuracy take several epochs, and all of it not all that there are.
RATES: Mapping[tuple[str, str], float] = {
    (DIGITS, "AdamW"): 1e-3,
    (DIGITS, "SGD"): 0.1,
    (LISTING, "AdamW"): 1e-3,
    (LISTING, "SGD"): 0.1,
    (CNN, "AdamW"): 1e-3,
}
SHARE, SLOWER, STRONG = 0.9, 1.2, 0.3

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-14",
        Ratio("epochs", AMOUNT).at(smoothing=STRONG),
        at_least(SLOWER),
        reading="Smoothing of 0.3 slows convergence: it takes at least a fifth more epochs than "
        "0.1 until the validation accuracy reaches nine tenths of hard labels' best.",
    ),
    Beyond(
        "D-adv-14",
        Ratio("epochs", AMOUNT).at(smoothing=STRONG).against(0.0),
        at_least(SLOWER),
        why="against hard labels in place of the default",
    ),
    Beyond(
        "D-adv-14",
        Value("there").always(),
        equals(1.0),
        why="whether the epochs are a number",
        reading="Every net reaches the accuracy in the epochs that it has.",
    ),
)


@dataclass
class Runs:
    """Some blocks, their rows, and the trainings with hard labels, which set the target."""

    blocks: tuple[Block, ...]
    drawn: dict[str, Sample] = field(default_factory=dict)
    trained: dict[tuple[str, str, float], History] = field(default_factory=dict)

    def train(self, task: str, optimiser: str, smoothing: float) -> History:
        """A training with some smoothing."""
        if task not in self.drawn:
            self.drawn[task] = draw(task, WRONG, self.blocks)
        key = (task, optimiser, smoothing)
        if key not in self.trained:
            sample = self.drawn[task]
            recipe = Recipe(
                self.blocks[0].effort,
                BATCH,
                optimiser=optimiser,
                lr=RATES[task, optimiser],
                smoothing=as_torch_has_it(smoothing, sample.classes),
            )
            self.trained[key] = fit(lambda: network(task, sample), sample, recipe)
        return self.trained[key]


def epochs_to(curve: Numbers, target: Numbers) -> Numbers:
    """Epochs until each replica's curve first reaches its target, infinite where it does not.

    Args:
        curve: accuracy after each epoch, shape (epochs, replicas).
        target: shape (replicas,).

    Returns:
        Shape (replicas,); between two epochs along a straight line, before the first one from zero.
    """
    started = np.concatenate([np.zeros((1, curve.shape[1])), curve])
    there = started >= target
    first = there.argmax(axis=0)
    each = np.arange(curve.shape[1])
    before = np.maximum(first - 1, 0)
    low, high = started[before, each], started[first, each]
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.where(high > low, (target - low) / (high - low), 0.0)
    return np.where(there.any(axis=0), before + along, np.inf)


def measure(runs: Runs, arm: Arm) -> Sequence[Responses]:
    """One training, and how long it took to the target of its seed."""
    task, optimiser, smoothing = arm[TASK], arm[OPTIMISER], arm[AMOUNT]
    target = SHARE * runs.train(task, optimiser, 0.0).val_score.max(axis=0)
    curve = runs.train(task, optimiser, smoothing).val_score
    epochs = epochs_to(curve, target)
    found = np.minimum(epochs, len(curve))
    return [
        {
            "epochs": float(found[place]),
            "there": float(np.isfinite(epochs[place])),
            "target": float(target[place]),
            "curve": curve[:, place].tolist(),
        }
        for place in range(len(runs.blocks))
    ]


EXPERIMENT: Experiment[Runs] = Experiment(
    question="Does much label smoothing slow convergence?",
    factors=(TASK, OPTIMISER, AMOUNT),
    only=lambda arm: (arm[TASK], arm[OPTIMISER]) in RATES,
    responses=(
        Response("epochs", "epochs", "epochs to nine tenths of hard labels' best accuracy"),
        Response("there", "yes/no", "the net reaches nine tenths of hard labels' best accuracy"),
        Response("target", "1", "nine tenths of hard labels' best validation accuracy"),
        Response("curve", "1", "accuracy on clean validation rows after an epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(3, 40, 40),  # epochs
    prepare_together=Runs,
    measure_together=measure,
    claims=CLAIMS,
    figures=(convergence,),
)
