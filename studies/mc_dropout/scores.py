"""What an uncertainty knows of errors: over replicas, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Marks = NDArray[np.bool_]


def auroc(uncertainty: Numbers, wrong: Marks) -> Numbers:
    """The share of pairs of a wrong and a right row in which the wrong one is less certain.

    A tie counts half. The area under the ROC curve, by ranks (Mann and Whitney).

    Args:
        uncertainty: shape (replicas, rows).
        wrong: which rows are, of the same shape.

    Returns:
        Shape (replicas,); NaN where all rows are wrong, or none.
    """
    from scipy.stats import rankdata

    ranks = rankdata(uncertainty, axis=1)
    count = wrong.sum(axis=1)
    right = wrong.shape[1] - count
    below = (ranks * wrong).sum(axis=1) - count * (count + 1) / 2
    with np.errstate(invalid="ignore"):
        area: Numbers = below / (count * right)
    return area


def error_of_kept(uncertainty: Numbers, wrong: Marks, refused: Sequence[float]) -> Numbers:
    """The error rate of the rows that are left when the least certain share is refused.

    Args:
        uncertainty: shape (replicas, rows).
        wrong: which rows are, of the same shape.
        refused: shares.

    Returns:
        Shape (replicas, shares).
    """
    rows = wrong.shape[1]
    order = np.argsort(uncertainty, axis=1, kind="stable")
    errors = np.take_along_axis(wrong, order, axis=1).cumsum(axis=1)
    kept = [rows - round(share * rows) for share in refused]
    rates: Numbers = np.stack([errors[:, count - 1] / count for count in kept], axis=1)
    return rates
