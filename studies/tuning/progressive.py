"""Is a dropout rate that falls from wide layers to narrow ones better than one rate everywhere?

Perceptrons whose first layer is wider than 512 units and whose later ones are narrower are trained
on three small data sets: with the document's pattern, 0.5 behind the wide layer, 0.3 behind the
others, none before the read-out, and with one rate behind every hidden layer. Each uniform rate is
a rival of its own with one training, as the pattern has one; 0.4 is the pattern's own mean. The
pattern is better than one rate everywhere in a setting where it beats all three: losing to one of
them is losing to the best.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    at_least,
)
from harness.workloads.fitting import Recipe, fit
from studies.tuning.cohort import Cohort, by_block
from studies.tuning.tasks import LISTING, POINT, gap, perceptron
from studies.tuning.widths import AT_BEST, DATA, HELD_OUT

SHAPES = {"640 and 128 units": (640, 128), "640, 128 and 64 units": (640, 128, 64)}
SHAPE = Factor("shape", tuple(SHAPES))
PROGRESSIVE, NONE = "0.5, then 0.3", "none"
UNIFORM = {"0.3 everywhere": (0.3,), "0.4 everywhere": (0.4,), "0.5 everywhere": (0.5,)}
RATES = {PROGRESSIVE: (0.5, 0.3), **UNIFORM, NONE: (0.0,)}
PATTERN = Factor("pattern", tuple(RATES), words={NONE: "no dropout"})
WATCH = 10  # epochs apart

READING = (
    "The pattern beats one rate everywhere: its test accuracy is higher by one point or more than "
    "with {}."
)
CLAIMS: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-tune-20",
            Difference("test_score", PATTERN).at(pattern=PROGRESSIVE).against(rival),
            at_least(POINT),
            reading=READING.format(rival),
            jointly="better than every one rate",
            headline={"data": LISTING, "shape": "640 and 128 units"}
            if rival == "0.4 everywhere"
            else False,
        )
        for rival in UNIFORM
    ),
    Beyond(
        "D-tune-20",
        Difference("best_test_score", PATTERN).at(pattern=PROGRESSIVE).against("0.4 everywhere"),
        at_least(POINT),
        why=AT_BEST,
        reading=READING.format("0.4 everywhere"),
    ),
    Beyond(
        "D-tune-20",
        Difference("test_score", PATTERN).at(pattern=PROGRESSIVE).against(NONE),
        at_least(POINT),
        why="no dropout at all",
        reading=READING.format("no dropout"),
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train one pattern."""
    sample = cohort.sample(arm[DATA], held_out=HELD_OUT[arm[DATA]])
    history = fit(
        lambda: perceptron(
            sample.features, sample.classes, SHAPES[arm[SHAPE]], RATES[arm[PATTERN]]
        ),
        sample,
        Recipe(epochs=cohort.epochs, watch_every=WATCH),
    )
    return by_block(
        {
            "test_score": history.last("test_score"),
            "best_test_score": history.at("test_score", history.best()),
            "gap": gap(history),
        }
    )


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="Is a dropout rate that falls from wide layers to narrow ones better than one rate?",
    factors=(DATA, SHAPE, PATTERN),
    responses=(
        Response("test_score", "1", "test accuracy after the last epoch"),
        Response(
            "best_test_score", "1", "test accuracy at the epoch with the lowest validation loss"
        ),
        Response("gap", "1", "training less test accuracy after the last epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 40, 60),  # epochs
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
)
