"""Whether stated probabilities come true: over replicas, in NumPy.

Probabilities have the shape (replicas, rows, classes) and labels (replicas, rows); every result has
one number a replica. A confidence is the probability of the class that is most probable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Labels = NDArray[np.int64]


class Reliability(NamedTuple):
    """By bins of confidence, shape (replicas, bins); of an empty bin NaN.

    Attributes:
        confidence: the mean.
        accuracy: the share of rows whose most probable class is right.
        counts: how many rows there are.
    """

    confidence: Numbers
    accuracy: Numbers
    counts: Labels


def reliability(p: Numbers, y: Labels, bins: int = 15) -> Reliability:
    """Confidence and accuracy by bins of equal width between 0 and 1, each with its upper edge.

    Args:
        p: probabilities.
        y: labels.
        bins: how many.
    """
    counts, confident, right = _sums(p.max(axis=2), p.argmax(axis=2) == y, bins)
    with np.errstate(invalid="ignore"):
        return Reliability(confident / counts, right / counts, counts)


def expected_calibration_error(p: Numbers, y: Labels, bins: int = 15) -> Numbers:
    """The mean distance between confidence and accuracy, over bins weighted by their rows.

    It is above zero for probabilities that are right too, since labels fall by chance: see
    ``ece_by_chance``.
    """
    counts, confident, right = _sums(p.max(axis=2), p.argmax(axis=2) == y, bins)
    error: Numbers = np.abs(confident - right).sum(axis=1) / counts.sum(axis=1)
    return error


def ece_by_chance(p: Numbers, bins: int = 15, draws: int = 200, seed: int = 0) -> Numbers:
    """The mean expected calibration error of labels that are drawn from the probabilities.

    Whether the most probable class is right is all that counts, and happens with its probability.

    Args:
        p: probabilities.
        bins: how many.
        draws: of all labels.
        seed: of the draws.
    """
    stream = np.random.default_rng(seed)
    confidence = p.max(axis=2)
    errors = []
    for _ in range(draws):
        counts, confident, right = _sums(
            confidence, stream.random(confidence.shape) < confidence, bins
        )
        errors.append(np.abs(confident - right).sum(axis=1) / counts.sum(axis=1))
    mean: Numbers = np.mean(errors, axis=0)
    return mean


def confidence_gap(p: Numbers, y: Labels) -> Numbers:
    """Mean confidence less accuracy: above zero where a network is too sure."""
    gap: Numbers = (p.max(axis=2) - (p.argmax(axis=2) == y)).mean(axis=1)
    return gap


def brier_score(p: Numbers, y: Labels) -> Numbers:
    """The mean over rows of the sum over classes of (probability - whether it is the label)^2."""
    hot = np.arange(p.shape[2]) == y[..., None]
    score: Numbers = np.square(p - hot).sum(axis=2).mean(axis=1)
    return score


def log_loss(p: Numbers, y: Labels) -> Numbers:
    """The mean over rows of minus the logarithm of the label's probability.

    A probability of less than the smallest normal number counts as that.
    """
    of_label = np.take_along_axis(p, y[..., None], axis=2)[..., 0]
    loss: Numbers = -np.log(np.maximum(of_label, np.finfo(np.float64).tiny)).mean(axis=1)
    return loss


def _sums(
    confidence: Numbers, right: NDArray[np.bool_], bins: int
) -> tuple[Labels, Numbers, Numbers]:
    """By replica and bin: rows, the sum of their confidences, and how many are right."""
    replicas = len(confidence)
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    flat = (places + bins * np.arange(replicas)[:, None]).ravel()

    def sums(weights: NDArray[np.generic]) -> Numbers:
        total: Numbers = np.bincount(flat, weights.ravel(), replicas * bins).astype(np.float64)
        return total.reshape(replicas, bins)

    counts: Labels = np.bincount(flat, minlength=replicas * bins).astype(np.int64)
    return counts.reshape(replicas, bins), sums(confidence), sums(right)
