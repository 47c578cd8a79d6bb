"""What a curve of losses or of gradient norms does, as one number for each replica.

A training run that blows up leaves numbers that are none. They end a curve: what is fitted is what
comes before them, and a loss that is no number counts as the largest there is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.float64]

#: So many powers of ten at most between two losses: float32 holds no more.
FAR = 30.0


def finite_part(curve: Curves) -> Curves:
    """A curve up to its first value that is no number.

    Args:
        curve: shape (steps,).
    """
    bad = ~np.isfinite(curve)
    return curve[: int(bad.argmax())] if bad.any() else curve


def exponent(curves: Curves) -> Curves:
    """How fast each curve grows: p of the power law N^p through it, by least squares on logs.

    Args:
        curves: shape (steps, replicas), not negative; the first value is that of step 1.

    Returns:
        Shape (replicas,); 1 is growth in proportion to the steps, 0 is none.
    """
    return np.array([_exponent(finite_part(curve)) for curve in curves.T])


def _exponent(curve: Curves) -> float:
    steps = np.log(np.arange(1, len(curve) + 1))
    slope, _ = np.polyfit(steps, np.log(np.maximum(curve, 10**-FAR)), 1)
    return float(slope)


def share_left(initial: Curves, losses: Curves) -> Curves:
    """The loss at the end over that at the beginning: the mean over the last tenth of the curve.

    A loss that swings is caught at some moment of its swing by its last value alone.

    Args:
        initial: shape (replicas,).
        losses: shape (epochs, replicas).

    Returns:
        Shape (replicas,), between 10^-30 and 10^30, which also stands for no number at all.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        last = losses[-max(1, len(losses) // 10) :].mean(axis=0)
    share = np.where(np.isfinite(last), last / initial, np.inf)
    return np.clip(share, 10**-FAR, 10**FAR)


def rises(losses: Curves) -> Curves:
    """In how many epochs the loss is higher than in the epoch before, or no number any more.

    Args:
        losses: shape (epochs, replicas).

    Returns:
        Shape (replicas,).
    """
    with np.errstate(invalid="ignore"):
        falls = losses[1:] <= losses[:-1]
    risen: Curves = (~falls).sum(axis=0).astype(np.float64)
    return risen


def swings(losses: Curves, by: Curves) -> Curves:
    """How often the loss rises by a given amount or more, with a fall of that size between.

    A loss that only ever rises does so once. A curve ends at its first value that is no number.

    Args:
        losses: shape (epochs, replicas).
        by: the least rise that counts, shape (replicas,), positive.

    Returns:
        Shape (replicas,).
    """
    pairs = zip(losses.T, by.tolist(), strict=True)
    return np.array([_swings(finite_part(curve).tolist(), least) for curve, least in pairs])


def _swings(curve: list[float], by: float) -> float:
    count, rising, extreme = 0, False, math.inf
    for loss in curve:
        if rising:
            extreme = max(extreme, loss)
            if extreme - loss >= by:
                rising, extreme = False, loss
        else:
            extreme = min(extreme, loss)
            if loss - extreme >= by:
                rising, extreme, count = True, loss, count + 1
    return float(count)
