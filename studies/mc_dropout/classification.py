"""Is what a hundred passes say of a class calibrated, and does their variance point to errors?

Four classifiers are passed forward a hundred times with dropout on. Their mean is a probability for
each class; over the rows held out it is calibrated where confidences come true. The expected
calibration error (15 bins of equal width) of probabilities that are right is not zero but what
chance makes of so many rows, which is worked out by drawing labels from the probabilities
themselves; what is left after that has been taken off is held against 0.05. The passage calls the
variance calibrated, and in this error no variance enters: all of it is shown beside the claim,
which is judged where a truth is known that a variance can cover (``regression``).

"I don't know" is useful where it is said of the rows that are wrong. Each row's uncertainty is the
variance over passes of its class probabilities, summed over the classes, as the passage has it; the
area under the ROC curve says how often a row that is wrong has a larger one than a row that is
right: 0.5 is chance, and 0.7 is asked for. Shown beside are the entropy of the mean, the one pass
in eval mode that anybody has for nothing, and the errors that are left when the tenth of the rows
with the largest variance is refused.

All rows are from where the training's came from; digits moved by one pixel are shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.libraries import torch
from harness.workloads.calibration import (
    brier_score,
    ece_by_chance,
    expected_calibration_error,
    log_loss,
    reliability,
)
from harness.workloads.fitting import logits
from harness.workloads.regularisers import shifts
from harness.workloads.tasks import Part
from studies.mc_dropout.classification_figures import accuracy_when_refusing, reliability_curves
from studies.mc_dropout.levels import CANCER, CNN, LISTING, PERCEPTRON, RATE, REFUSED
from studies.mc_dropout.nets import Trained, train
from studies.mc_dropout.passes import Numbers, probabilities
from studies.mc_dropout.scores import auroc, error_of_kept

TASK = Factor("task", (PERCEPTRON, CNN, CANCER, LISTING))
PASSES = 100
BINS = 10  # of the reliability curve
DRAWS = 60  # of labels, whose mean error is known to a hundredth of itself or two
CALIBRATED = at_most(0.05)
USEFUL = at_least(0.7)
MOVED = (PERCEPTRON,)

ECE_READING = (
    "The mean is calibrated: its expected calibration error over 100 passes, on rows held out, is "
    "at most 0.05 above what chance makes of a calibrated one."
)
AUROC_READING = (
    "Useful: a row that the mean of the passes gets wrong has a larger variance than one that it "
    "gets right in 70 % of pairs or more (area under the ROC curve)."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Beyond(
        "D-mc-1",
        Value("excess_ece"),
        CALIBRATED,
        why="the mean of the passes, where the passage calls their variance calibrated",
        reading=ECE_READING,
    ),
    Beyond(
        "D-mc-1",
        Value("moved_excess_ece").at(task=MOVED),
        CALIBRATED,
        why="digits moved by a pixel, which the network has not been trained on",
        reading=ECE_READING,
    ),
    Beyond(
        "D-mc-1",
        Value("eval_excess_ece").at(rate=0.5),
        CALIBRATED,
        why="one pass in eval mode, to compare with",
        reading="The expected calibration error of one pass in eval mode is at most 0.05 above "
        "what chance makes of a calibrated one.",
    ),
    Beyond(
        "D-mc-1",
        Value("log_loss_ratio").at(rate=0.5),
        at_most(0.95),
        why="whether it is better than no dropout at inference, which the passage does not say",
        reading="The mean of the passes has a log loss on rows held out that is 5 % lower than "
        "that of one pass in eval mode, or more.",
    ),
    Beyond(
        "D-mc-1",
        Value("brier_ratio").at(rate=0.5),
        at_most(0.95),
        why="another proper score, compared with one pass in eval mode",
        reading="The mean of the passes has a Brier score that is 5 % lower than that of one pass "
        "in eval mode, or more.",
    ),
    Beyond(
        "D-mc-1",
        Value("variance_of_error").at(rate=0.5),
        at_least(0.8),
        why="the variance of probabilities held against their squared error, in which the doubt "
        "that each single pass expresses counts too",
        reading="The mean variance over passes is 80 % of the mean squared error of the mean or "
        "more.",
    ),
    Claim(
        "D-mc-8",
        Value("auroc"),
        USEFUL,
        reading=AUROC_READING,
        headline={"task": CNN, "rate": 0.5},
    ),
    Beyond(
        "D-mc-8",
        Value("kept_error_ratio").at(rate=0.5),
        at_most(0.5),
        why="how much refusing gains, which the passage does not say",
        reading="When the tenth of the rows with the largest variance is refused, those kept have "
        "at most half of the error rate.",
    ),
    Beyond(
        "D-mc-8",
        Value("auroc_above_eval").at(rate=0.5),
        at_least(0.01),
        why="a comparison with the confidence of one pass in eval mode, which the passage does not "
        "make",
        reading="The area under the curve is larger by 0.01 or more than with the confidence of "
        "one pass in eval mode.",
    ),
    Beyond(
        "D-mc-8",
        Value("entropy_auroc").at(rate=0.5),
        USEFUL,
        why="the entropy of the mean, which is another score than the variance",
        reading=AUROC_READING.replace("variance", "entropy"),
    ),
    Beyond(
        "D-mc-8",
        Value("moved_auroc").at(task=MOVED),
        USEFUL,
        why="digits moved by a pixel, which the network has not been trained on",
        reading=AUROC_READING,
    ),
)

RESPONSES = (
    Response("excess_ece", "1", "calibration error of the mean of the passes above chance's"),
    Response("ece", "1", "expected calibration error of the mean of the passes"),
    Response("chance_ece", "1", "expected calibration error that chance alone makes"),
    Response("eval_excess_ece", "1", "calibration error of one pass in eval mode above chance's"),
    Response(
        "moved_excess_ece", "1", "calibration error of the mean above chance's, rows moved by 1 px"
    ),
    Response("log_loss_ratio", "1", "log loss of the mean of the passes over that in eval mode"),
    Response("brier_ratio", "1", "Brier score of the mean of the passes over that in eval mode"),
    Response(
        "variance_of_error", "1", "variance over passes as a share of the squared error of the mean"
    ),
    Response("auroc", "1", "share of pairs in which the wrong row has the larger variance"),
    Response("auroc_above_eval", "1", "that share less the one with eval mode's confidence"),
    Response("entropy_auroc", "1", "share of pairs in which the wrong row has the larger entropy"),
    Response("moved_auroc", "1", "share of pairs, by variance, of rows moved by 1 px"),
    Response(
        "kept_error_ratio", "1", "error rate without the most uncertain tenth, over that of all"
    ),
    Response("errors", "rows", "rows held out that the mean of the passes gets wrong"),
    Response("accuracy", "1", "accuracy of the mean of the passes"),
    Response("eval_accuracy", "1", "accuracy of one pass in eval mode"),
    Response("kept_error", "1", "error rate of those kept when a share is refused by variance"),
    Response("kept_error_eval", "1", "the same, refused by the confidence in eval mode"),
    Response("bin_rows", "rows", "rows in a bin of confidence"),
    Response("bin_confidence", "1", "sum of the confidences in the bin"),
    Response("bin_right", "rows", "rows in the bin that are right"),
    Response("eval_bin_rows", "rows", "rows in a bin of confidence, in eval mode"),
    Response("eval_bin_confidence", "1", "sum of the confidences in the bin, in eval mode"),
    Response("eval_bin_right", "rows", "rows in the bin that are right, in eval mode"),
)


class Answers(NamedTuple):
    """What a network says of some rows, over replicas.

    Attributes:
        mean: probabilities, the mean of the passes, shape (replicas, rows, classes).
        variance: over the passes, summed over the classes, shape (replicas, rows).
        eval: probabilities of one pass in eval mode.
        y: labels, shape (replicas, rows).
    """

    mean: Numbers
    variance: Numbers
    eval: Numbers
    y: np.ndarray[tuple[int, ...], np.dtype[np.int64]]

    @property
    def wrong(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which rows the mean gets wrong."""
        wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = self.mean.argmax(2) != self.y
        return wrong


def ask(trained: Trained, part: Part, count: int) -> Answers:
    """Pass a part forward with dropout on, and once in eval mode."""
    moments = probabilities(trained.nets, part.x, count)
    once = logits(trained.nets, part).double().softmax(dim=-1).cpu().numpy()
    return Answers(
        moments.mean(), moments.variance().sum(axis=2), once, part.y.cpu().numpy().astype(np.int64)
    )


def moved(part: Part, seed: int) -> Part:
    """The same digits, each moved by up to one pixel; not moved at all is as likely as any move."""
    stream = torch.Generator(part.x.device).manual_seed(seed)
    return Part(*shifts(1)(part.x, part.y, stream))


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, pass forward, and hold what comes out against the labels."""
    effort = blocks[0].effort
    trained = train(arm[TASK], arm[RATE], blocks, shortened=effort)
    count = max(2, PASSES // effort)
    found = {**calibration(said := ask(trained, trained.sample.test, count)), **refusal(said)}
    found |= {"moved_excess_ece": np.full(len(blocks), np.nan)}
    found |= {"moved_auroc": np.full(len(blocks), np.nan)}
    if arm[TASK] in MOVED:
        elsewhere = ask(trained, moved(trained.sample.test, blocks[0].seed), count)
        found["moved_excess_ece"] = excess_ece(elsewhere.mean, elsewhere.y)
        found["moved_auroc"] = auroc(elsewhere.variance, elsewhere.wrong)
    return [
        {name: np.asarray(values)[place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def excess_ece(p: Numbers, y: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Numbers:
    """The expected calibration error above that of labels drawn from the probabilities."""
    return expected_calibration_error(p, y) - ece_by_chance(p, draws=DRAWS)


def calibration(said: Answers) -> dict[str, Numbers]:
    """How far confidences come true, over replicas."""
    p, y = said.mean, said.y
    found = {
        "ece": expected_calibration_error(p, y),
        "chance_ece": ece_by_chance(p, draws=DRAWS),
        "eval_excess_ece": excess_ece(said.eval, y),
        "log_loss_ratio": log_loss(p, y) / log_loss(said.eval, y),
        "brier_ratio": brier_score(p, y) / brier_score(said.eval, y),
        "variance_of_error": said.variance.mean(axis=1) / brier_score(p, y),
        "accuracy": 1 - said.wrong.mean(axis=1),
        "eval_accuracy": (said.eval.argmax(2) == y).mean(axis=1),
    }
    found["excess_ece"] = found["ece"] - found["chance_ece"]
    for prefix, probability in (("", p), ("eval_", said.eval)):
        table = reliability(probability, y, BINS)
        found[f"{prefix}bin_rows"] = table.counts.astype(np.float64)
        found[f"{prefix}bin_confidence"] = np.nan_to_num(table.confidence) * table.counts
        found[f"{prefix}bin_right"] = np.nan_to_num(table.accuracy) * table.counts
    return found


def refusal(said: Answers) -> dict[str, Numbers]:
    """What the uncertainty knows of errors, over replicas."""
    by_eval = 1 - said.eval.max(axis=2)
    entropy = -(said.mean * np.log(np.maximum(said.mean, 1e-300))).sum(axis=2)
    kept = error_of_kept(said.variance, said.wrong, REFUSED)
    area = auroc(said.variance, said.wrong)
    eval_wrong = said.eval.argmax(2) != said.y
    return {
        "auroc": area,
        "auroc_above_eval": area - auroc(by_eval, eval_wrong),
        "entropy_auroc": auroc(entropy, said.wrong),
        "errors": said.wrong.sum(axis=1).astype(np.float64),
        "kept_error": kept,
        "kept_error_eval": error_of_kept(by_eval, eval_wrong, REFUSED),
        "kept_error_ratio": kept[:, REFUSED.index(0.1)] / kept[:, 0],
    }


EXPERIMENT: Experiment[Block] = Experiment(
    question="Are a hundred passes calibrated, and does their variance point to errors?",
    factors=(TASK, RATE),
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(25, 1, 1),  # epochs and passes are divided by it
    measure_together=measure,
    claims=CLAIMS,
    figures=(reliability_curves, accuracy_when_refusing),
)
