"""Which dropout rate for which width of a layer?

Perceptrons of every band of width that the document names (under 128 units, 128 to 512, above 512)
are trained on three small data sets without dropout and with the two rates it recommends, behind
the layers of that width: one hidden layer, or a second one behind it, which is as wide or has 128
units where that is less (and then no dropout). 40 epochs of AdamW at
0.001, no decay; accuracies are those of test rows after the last epoch, as the document's listing 3
takes them, and at the epoch with the lowest validation loss beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

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
    Value,
    at_least,
    at_most,
)
from harness.workloads.fitting import Recipe, fit
from studies.tuning.cohort import Cohort, by_block
from studies.tuning.tasks import CANCER, DIGITS, LISTING, POINT, gap, perceptron
from studies.tuning.width_figures import dropout_by_width

if TYPE_CHECKING:
    from harness.workloads.fitting import History

DATA = Factor(
    "data",
    (LISTING, DIGITS, CANCER),
    words={LISTING: "listing 3's data", DIGITS: "digits", CANCER: "breast cancer"},
)
LAYERS = Factor(
    "layers", (1, 2), label="hidden layers", words={1: "one hidden layer", 2: "two hidden layers"}
)
NARROW, MEDIUM, WIDE = (32, 64), (128, 512), (640, 1024)
WIDTH = Factor("width", (*NARROW, *MEDIUM, *WIDE))
RATES = {0.0: "no dropout", 0.3: "dropout 0.3", 0.5: "dropout 0.5"}
RATE = Factor("rate", tuple(RATES), control=0.0, label="dropout", words=RATES)
SECOND = 128  # units of a second layer at most
WIDEST_PAIR = 640  # a second layer behind more would take longer than all narrower ones together
#: As many rows as there are, or enough that their own noise is small beside a point.
HELD_OUT = {LISTING: 800, DIGITS: 700, CANCER: 180}
WATCH = 10  # epochs apart

AT_BEST = "the epoch with the lowest validation loss"
GAP_READING = "And does something: the gap between training and test accuracy is narrower by one "
CLAIMS = (
    Claim(
        "D-tune-5",
        Difference("test_score", RATE).at(width=WIDE, rate=0.5),
        at_least(-POINT),
        reading="Works in layers of more than 512 units: with dropout of 0.5 test accuracy is at "
        "most one point below that without.",
        headline={"data": LISTING, "layers": 1, "width": 640},
    ),
    Claim(
        "D-tune-5",
        Difference("gap", RATE).at(width=WIDE, rate=0.5),
        at_most(-POINT),
        reading=GAP_READING + "point or more.",
    ),
    Beyond(
        "D-tune-5",
        Difference("best_test_score", RATE).at(width=WIDE, rate=0.5),
        at_least(-POINT),
        why=AT_BEST,
    ),
    Claim(
        "D-tune-6",
        Value("behind_best").at(width=MEDIUM, rate=0.3),
        at_most(POINT),
        reading="For layers of 128 to 512 units: with dropout of 0.3 test accuracy is at most one "
        "point below that of the rate, of none, 0.3 and 0.5, with the lowest validation loss.",
        headline={"data": LISTING, "layers": 1, "width": 128},
    ),
    Claim(
        "D-tune-6",
        Difference("gap", RATE).at(width=MEDIUM, rate=0.3),
        at_most(-POINT),
        reading=GAP_READING + "point or more than without dropout.",
    ),
    Claim(
        "D-tune-7",
        Difference("test_score", RATE).at(width=NARROW, rate=0.3),
        at_most(-POINT),
        reading="No capacity to waste under 128 units: with dropout of 0.3 test accuracy is lower "
        "by one point or more than without.",
        headline={"data": LISTING, "layers": 1, "width": 64},
    ),
    Beyond(
        "D-tune-7",
        Difference("best_test_score", RATE).at(width=NARROW, rate=0.3),
        at_most(-POINT),
        why=AT_BEST,
    ),
)


@dataclass
class Widths(Cohort):
    """A cohort with the trainings that have been asked for."""

    histories: dict[Arm, History] = field(default_factory=dict)

    def history(self, arm: Arm) -> History:
        """A training of one arm."""
        if arm not in self.histories:
            sample = self.sample(arm[DATA], held_out=HELD_OUT[arm[DATA]])
            widths, rates = layers_of(arm[WIDTH], arm[LAYERS], arm[RATE])
            self.histories[arm] = fit(
                lambda: perceptron(sample.features, sample.classes, widths, rates),
                sample,
                Recipe(epochs=self.epochs, watch_every=WATCH),
            )
        return self.histories[arm]


def measure(widths: Widths, arm: Arm) -> Sequence[Responses]:
    """Accuracies of an arm, and those of the rate that validation rows prefer."""
    history = widths.history(arm)
    rivals = [widths.history(arm.replaced(rate=rate)) for rate in RATE.levels]
    preferred = np.stack([each.last("val_loss") for each in rivals]).argmin(axis=0)
    score = history.last("test_score")
    best = np.stack([each.last("test_score") for each in rivals])[preferred, np.arange(len(score))]
    return by_block(
        {
            "test_score": score,
            "gap": gap(history),
            "best_test_score": history.at("test_score", history.best()),
            "behind_best": best - score,
            "train_score": history.last("train_score"),
        }
    )


def in_the_design(arm: Arm) -> bool:
    """The widest layer comes alone."""
    return arm[LAYERS] == 1 or arm[WIDTH] <= WIDEST_PAIR


def layers_of(width: int, layers: int, rate: float) -> tuple[list[int], list[float]]:
    """The widths of the hidden layers, and the dropout behind each: none behind a narrower one."""
    widths = [width, min(width, SECOND)][:layers]
    return widths, [rate if each == width else 0.0 for each in widths]


EXPERIMENT: Experiment[Widths] = Experiment(
    question="Which dropout rate for which width of a layer?",
    factors=(DATA, LAYERS, WIDTH, RATE),
    only=in_the_design,
    responses=(
        Response("test_score", "1", "test accuracy after the last epoch"),
        Response("gap", "1", "training less test accuracy after the last epoch"),
        Response(
            "best_test_score", "1", "test accuracy at the epoch with the lowest validation loss"
        ),
        Response(
            "behind_best",
            "1",
            "test accuracy of the rate chosen on validation rows, less that of this rate",
        ),
        Response("train_score", "1", "training accuracy after the last epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 40, 60),  # epochs
    prepare_together=Widths,
    measure_together=measure,
    claims=CLAIMS,
    figures=(dropout_by_width,),
)
