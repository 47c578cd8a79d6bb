"""Does it matter where in the recommended range survival probability and label smoothing lie?

Residual networks are trained with stochastic depth at both ends of the range that the document's
table calls insensitive, a survival probability of 0.8 and of 0.9, and plain classifiers with label
smoothing of 0.1 and of 0.2: on listing 3's data, digits and breast cancer, and on digits with
convolutions too. Both ends start from equal weights and see equal batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    equals,
)
from harness.libraries import nn
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import digits_cnn, residual_cnn, residual_mlp
from studies.tuning.cohort import Cohort, by_block
from studies.tuning.tasks import CANCER, DIGITS, LISTING, POINT, WIDTHS, perceptron
from studies.tuning.widths import HELD_OUT

if TYPE_CHECKING:
    from harness.workloads.samples import Sample

CONVOLUTIONAL = "digits, convolutional"
SETTING = Factor(
    "setting",
    (LISTING, DIGITS, CANCER, CONVOLUTIONAL),
    words={
        LISTING: "listing 3's data",
        CANCER: "breast cancer",
        CONVOLUTIONAL: "digits with convolutions",
    },
)
SURVIVAL, SMOOTHING = "survival probability", "label smoothing"
KNOB = Factor("knob", (SURVIVAL, SMOOTHING))
#: Both ends of the recommended range, the milder first, and a value well outside.
VALUES = {SURVIVAL: (0.9, 0.8, 0.5), SMOOTHING: (0.1, 0.2, 0.4)}
MILD, STRONG, OUTSIDE = "mild end", "strong end", "well outside"
END = Factor("end", (MILD, STRONG, OUTSIDE), control=MILD)
RESIDUAL_WIDTH, RESIDUAL_BLOCKS, CHANNELS = 32, 4, 8

CLAIMS = (
    Claim(
        "D-tab-6",
        Difference("test_score", END).at(end=STRONG),
        equals(0.0, within=POINT),
        reading="Low sensitivity: between both ends of the recommended range, a survival "
        "probability of 0.8 or 0.9 and smoothing of 0.1 or 0.2, test accuracy differs by no more "
        "than one point.",
        headline={"setting": DIGITS, "knob": SURVIVAL},
    ),
    Beyond(
        "D-tab-6",
        Difference("test_score", END).at(end=OUTSIDE),
        equals(0.0, within=POINT),
        why="values well outside of the range: a survival probability of 0.5, smoothing of 0.4",
    ),
)


def network_of(sample: Sample, setting: str, survival: float | None) -> Callable[[], nn.Module]:
    """A residual network with stochastic depth, or a plain classifier where there is none."""
    if setting == CONVOLUTIONAL:
        if survival is None:
            return partial(digits_cnn, sample.classes, channels=(CHANNELS, CHANNELS))
        return partial(
            residual_cnn,
            sample.classes,
            channels=CHANNELS,
            blocks=RESIDUAL_BLOCKS,
            survival=survival,
        )
    if survival is None:
        return partial(perceptron, sample.features, sample.classes, WIDTHS, (0.0,))
    return partial(
        residual_mlp,
        sample.features,
        sample.classes,
        width=RESIDUAL_WIDTH,
        blocks=RESIDUAL_BLOCKS,
        survival=survival,
    )


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train at one value of the knob."""
    data = DIGITS if arm[SETTING] == CONVOLUTIONAL else arm[SETTING]
    sample = cohort.sample(data, held_out=HELD_OUT[data])
    value = VALUES[arm[KNOB]][END.levels.index(arm[END])]
    survives = arm[KNOB] == SURVIVAL
    history = fit(
        network_of(sample, arm[SETTING], value if survives else None),
        sample,
        Recipe(
            epochs=cohort.epochs,
            smoothing=0.0 if survives else value,
            watch_every=cohort.epochs,
        ),
    )
    return by_block({name: history.last(name) for name in ("test_score", "train_score")})


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="Does it matter where in the recommended range survival and label smoothing lie?",
    factors=(SETTING, KNOB, END),
    responses=(
        Response("test_score", "1", "test accuracy after the last epoch"),
        Response("train_score", "1", "training accuracy after the last epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 40, 60),  # epochs
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
)
