"""What does label smoothing do to confidence, calibration and wrong labels?

Four classifiers train on clean labels and on labels of which three in ten are wrong, with hard
targets and with smoothing of 0.1, 0.2 and 0.3, until hard targets are fitted to the last row.
Validation and test labels stay right.

Overconfidence is mean confidence less accuracy on test rows: on training rows smoothing sets it by
its targets. Calibration is the expected calibration error over fifteen bins of equal width, on the
same rows in all arms; it is judged after the last epoch, and shown where the validation loss was
lowest, as early stopping would leave the net. A net has memorised a wrong label when it answers it
for the row that carries it, in eval mode.

That smoothing gives calibrated models is a tendency and judged as one; that it can hide a
calibration problem takes one setting in which the net is less overconfident and its calibration
error still higher. Both can be true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.workloads import Replicas
from harness.workloads.calibration import (
    confidence_gap,
    ece_by_chance,
    expected_calibration_error,
    reliability,
)
from harness.workloads.fitting import Recipe, fit, logits
from studies.advanced_regularisers.smoothed import (
    BATCH,
    CNN,
    DIGITS,
    NOISE,
    SMOOTHING,
    TASK,
    TASKS,
    WRONG,
    as_torch_has_it,
    draw,
    network,
)
from studies.advanced_regularisers.smoothing_figures import (
    calibration,
    memorised,
    reliability_curves,
)

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.samples import Sample

Numbers = NDArray[np.float64]

LOOKS, BINS, CURVE_BINS = 10, 15, 10
DEFAULT, STRONG = 0.1, 0.3
RECOMMENDED = (0.1, 0.2)
POINT, TWO_POINTS, FIVE_POINTS, FIFTH_LESS, HALF = 0.01, 0.02, 0.05, 0.8, 0.5

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-11",
        Difference("overconfidence", SMOOTHING).at(smoothing=DEFAULT),
        at_most(-TWO_POINTS),
        reading="Curbs overconfidence: with smoothing 0.1 mean confidence less accuracy on test "
        "rows is at least two points lower than with hard labels.",
        headline={"task": CNN, "wrong": 0.0},
    ),
    Claim(
        "D-adv-11",
        Ratio("margin", SMOOTHING).at(smoothing=DEFAULT),
        at_most(FIFTH_LESS),
        reading="It keeps logits from growing: with smoothing 0.1 the largest logit of a test row "
        "is at least a fifth less above the others than with hard labels.",
    ),
    Claim(
        "D-adv-13",
        Ratio("memorised", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG),
        at_most(HALF),
        reading="Prevents memorising: with smoothing 0.1 a net has learnt at most half as many of "
        "the wrong labels it was trained on as with hard labels.",
        headline={"task": DIGITS},
    ),
    Claim(
        "D-adv-13",
        Difference("memorised", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG),
        at_most(-FIVE_POINTS),
        reading="At the least, the share of wrong labels learnt with smoothing 0.1 is five points "
        "lower than with hard labels.",
    ),
    Beyond(
        "D-adv-13",
        Ratio("memorised", SMOOTHING).at(smoothing=(0.2, STRONG), wrong=WRONG),
        at_most(HALF),
        why="more smoothing than the document's default",
    ),
    Beyond(
        "D-adv-13",
        Difference("memorised_stopped", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG),
        at_most(-FIVE_POINTS),
        why="the epoch with the lowest validation loss, at which hard labels are not learnt yet",
    ),
    Beyond(
        "D-adv-13",
        Value("memorised").at(smoothing=0.0, wrong=WRONG),
        at_least(0.8),
        why="whether there is something to prevent",
        reading="Trained with hard labels, a net has learnt four of five wrong labels.",
    ),
    Claim(
        "D-adv-14",
        Difference("accuracy", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG),
        at_least(-POINT),
        reading="0.1 is a robust default: with wrong labels its accuracy on clean test rows, at "
        "the epoch that validates best, is not a point below that of hard labels.",
        headline={"task": DIGITS},
    ),
    *(
        Claim(
            "D-adv-14",
            Difference("accuracy", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG).against(other),
            at_least(-POINT),
            reading=f"Nor is it a point below that of smoothing {other:g}.",
        )
        for other in (0.2, STRONG)
    ),
    Beyond(
        "D-adv-14",
        Difference("accuracy_last", SMOOTHING).at(smoothing=DEFAULT, wrong=WRONG),
        at_least(-POINT),
        why="the last epoch, by which wrong labels are learnt",
    ),
    Beyond(
        "D-adv-14",
        Difference("accuracy", SMOOTHING).at(smoothing=DEFAULT, wrong=0.0),
        at_least(-POINT),
        why="clean labels, of which the tip does not speak",
    ),
    Claim(
        "D-adv-15",
        Difference("ece", SMOOTHING).at(smoothing=RECOMMENDED),
        at_most(-POINT),
        reading="Calibrated: with smoothing of 0.1 to 0.2 the expected calibration error on test "
        "rows is at least 0.01 lower than with hard labels.",
        headline={"task": CNN, "wrong": 0.0, "smoothing": DEFAULT},
    ),
    Beyond(
        "D-adv-15",
        Difference("ece_stopped", SMOOTHING).at(smoothing=RECOMMENDED),
        at_most(-POINT),
        why="the epoch with the lowest validation loss, which the table does not name",
    ),
    Beyond(
        "D-adv-15",
        Difference("ece", SMOOTHING).at(smoothing=STRONG),
        at_most(-POINT),
        why="more smoothing than the document recommends",
    ),
    Claim(
        "D-adv-16",
        Value("hidden").at(smoothing=RECOMMENDED),
        at_least(POINT),
        reading="In one setting the smoothed net is at least two points less overconfident than "
        "with hard labels, and its expected calibration error is at least 0.01 higher.",
        headline={"task": DIGITS, "wrong": 0.0, "smoothing": 0.2},
    ),
)


@dataclass(frozen=True)
class Fitted:
    """What one training gives; shapes (replicas,) but for the curve's (replicas, bins)."""

    numbers: dict[str, Numbers]
    curve: dict[str, Numbers]


@dataclass
class Trainings:
    """Some blocks, and what has been trained for them."""

    blocks: tuple[Block, ...]
    drawn: dict[tuple[str, float], Sample] = field(default_factory=dict)
    fitted: dict[tuple[str, float, float], Fitted] = field(default_factory=dict)

    def of(self, task: str, wrong: float, smoothing: float) -> Fitted:
        """A task trained with some smoothing on labels of which a share is wrong."""
        if (task, wrong) not in self.drawn:
            self.drawn[task, wrong] = draw(task, wrong, self.blocks)
        key = (task, wrong, smoothing)
        if key not in self.fitted:
            effort = self.blocks[0].effort
            self.fitted[key] = train(task, self.drawn[task, wrong], smoothing, effort)
        return self.fitted[key]


def train(name: str, sample: Sample, smoothing: float, effort: int) -> Fitted:
    """Train, and look at test rows as at the end and where the validation loss was lowest.

    Args:
        name: of the task.
        sample: its rows.
        smoothing: the document's number.
        effort: steps are divided by it.
    """
    task = TASKS[name]
    epochs = max(1, task.steps // effort * BATCH // task.rows)
    every = max(1, epochs // LOOKS)
    seen: list[Numbers] = []
    learnt: list[Numbers] = []

    def look(nets: Replicas, epoch: int) -> None:
        if epoch % every == 0 or epoch == epochs:
            seen.append(probabilities(logits(nets, sample.test)))
            learnt.append(shares_memorised(nets, sample))

    history = fit(
        lambda: network(name, sample),
        sample,
        Recipe(
            epochs,
            BATCH,
            lr=task.rate,
            smoothing=as_torch_has_it(smoothing, sample.classes),
            watch_every=every,
        ),
        after_epoch=look,
    )
    y: NDArray[np.int64] = sample.test.y.cpu().numpy()
    stopped = np.stack([seen[row][place] for place, row in enumerate(history.best())])
    learnt_by_then = [learnt[row][place] for place, row in enumerate(history.best())]
    at_end = logits(history.nets, sample.test)
    last = probabilities(at_end)
    numbers = {
        "overconfidence": confidence_gap(last, y),
        "confidence": last.max(axis=2).mean(axis=1),
        "margin": margins(at_end),
        "ece": expected_calibration_error(last, y, BINS),
        "ece_stopped": expected_calibration_error(stopped, y, BINS),
        "ece_of_chance": ece_by_chance(last, BINS, draws=20),
        "memorised": learnt[-1],
        "memorised_stopped": np.array(learnt_by_then),
        "accuracy": history.at("test_score", history.val_score.argmax(axis=0)),
        "accuracy_last": history.last("test_score"),
        "fitted": history.last("train_score"),
    }
    bins = reliability(last, y, CURVE_BINS)
    curve = {
        "bin_confidence": bins.confidence,
        "bin_accuracy": bins.accuracy,
        "bin_rows": bins.counts.astype(np.float64),
    }
    return Fitted(numbers, curve)


def probabilities(outputs: Tensor) -> Numbers:
    """Softmax in double precision, shape (replicas, rows, classes)."""
    p: Numbers = outputs.double().softmax(dim=-1).cpu().numpy()
    return p


def margins(outputs: Tensor) -> Numbers:
    """By how much the largest logit is above the mean of the others, a mean over rows."""
    top = outputs.max(dim=-1).values
    others = (outputs.sum(dim=-1) - top) / (outputs.shape[-1] - 1)
    mean: Numbers = (top - others).double().mean(dim=1).cpu().numpy()
    return mean


def shares_memorised(nets: Replicas, sample: Sample) -> Numbers:
    """The share of the wrong labels that each replica answers; nan where no label is wrong."""
    hits = (logits(nets, sample.train).argmax(dim=-1) == sample.train.y) & sample.wrong
    wrong = sample.wrong.sum(dim=1)
    shares: Numbers = (hits.sum(dim=1).double() / wrong).cpu().numpy()
    return shares


def hidden(smoothed: Fitted, hard: Fitted) -> Numbers:
    """By how much the calibration error is higher, where the net is less overconfident; else 0."""
    less = hard.numbers["overconfidence"] - smoothed.numbers["overconfidence"] >= TWO_POINTS
    return np.where(less, smoothed.numbers["ece"] - hard.numbers["ece"], 0.0)


def measure(trainings: Trainings, arm: Arm) -> Sequence[Responses]:
    """One training, and what it hides of the calibration beside hard labels."""
    task, wrong, smoothing = arm[TASK], arm[NOISE], arm[SMOOTHING]
    fitted, hard = (trainings.of(task, wrong, each) for each in (smoothing, 0.0))
    numbers = {**fitted.numbers, "hidden": hidden(fitted, hard)}
    return [
        {
            **{name: float(values[place]) for name, values in numbers.items()},
            **{name: values[place].tolist() for name, values in fitted.curve.items()},
        }
        for place in range(len(trainings.blocks))
    ]


def _needed(arm: Arm) -> bool:
    """Convolutions take long: with hard labels and the recommended smoothing alone."""
    return arm[TASK] != CNN or arm[SMOOTHING] in (0.0, DEFAULT)


EXPERIMENT: Experiment[Trainings] = Experiment(
    question="What does label smoothing do to confidence, calibration and wrong labels?",
    factors=(TASK, NOISE, SMOOTHING),
    only=_needed,
    responses=(
        Response("overconfidence", "1", "mean confidence less accuracy on test rows"),
        Response("confidence", "1", "mean confidence on test rows"),
        Response("margin", "1", "largest logit of a test row above the mean of the others"),
        Response("ece", "1", "expected calibration error on test rows"),
        Response("ece_stopped", "1", "expected calibration error at the lowest validation loss"),
        Response("ece_of_chance", "1", "expected calibration error of labels drawn as predicted"),
        Response("memorised", "1", "share of the wrong labels that the net has learnt"),
        Response(
            "memorised_stopped",
            "1",
            "share of the wrong labels that the net has learnt at the lowest validation loss",
        ),
        Response("accuracy", "1", "test accuracy at the epoch that validates best"),
        Response("accuracy_last", "1", "test accuracy after the last epoch"),
        Response("fitted", "1", "accuracy on the training rows as they are labelled"),
        Response(
            "hidden",
            "1",
            "rise of the expected calibration error where the net is less overconfident",
        ),
        Response("bin_confidence", "1", "mean confidence of the test rows in a bin"),
        Response("bin_accuracy", "1", "accuracy of the test rows in a bin"),
        Response("bin_rows", "rows", "test rows in a bin"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(50, 1, 1),  # steps are divided by it
    prepare_together=Trainings,
    measure_together=measure,
    claims=CLAIMS,
    figures=(reliability_curves, calibration, memorised),
)
