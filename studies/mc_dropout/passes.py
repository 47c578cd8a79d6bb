"""Passes with dropout on over rows that stay the same, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.libraries import nn, torch
from harness.workloads import Replicas

if TYPE_CHECKING:
    from torch import Tensor

Numbers: TypeAlias = NDArray[np.float64]

#: Dropout's layers; all others stay as they are in eval mode.
KINDS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")


def dropout_alone(nets: Replicas) -> Replicas:
    """Eval mode but for dropout, which is what Monte Carlo dropout means."""
    return nets.train_only(*(getattr(nn, kind) for kind in KINDS))


def passes(nets: Replicas, x: Tensor, count: int) -> Iterator[Tensor]:
    """Outputs of one pass after another, in the mode that the networks are in.

    Args:
        nets: their mode is the caller's.
        x: shape (replicas, rows, features).
        count: how many passes.

    Yields:
        Shape (replicas, rows, outputs).
    """
    with torch.no_grad():
        for _ in range(count):
            yield nets(x)


class Moments:
    """Mean and variance over passes of outputs and of anything made of them, summed up in float64.

    What is summed is the distance from the first pass: the variance of what hardly moves is not
    lost in rounding.
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: Tensor
        self.sum: Tensor
        self.squares: Tensor

    def add(self, values: Tensor) -> None:
        """See one pass."""
        values = values.double()
        if not self.count:
            self.first = values
            self.sum, self.squares = torch.zeros_like(values), torch.zeros_like(values)
        away = values - self.first
        self.sum += away
        self.squares += away**2
        self.count += 1

    def mean(self) -> Numbers:
        """Over the passes."""
        mean: Numbers = (self.first + self.sum / self.count).cpu().numpy()
        return mean

    def variance(self) -> Numbers:
        """Over the passes, unbiased."""
        around = self.squares - self.sum**2 / self.count
        variance: Numbers = (around / (self.count - 1)).clamp(min=0).cpu().numpy()
        return variance


def probabilities(nets: Replicas, x: Tensor, count: int) -> Moments:
    """Moments of the softmax probabilities over passes with dropout alone on."""
    moments = Moments()
    for logits in passes(dropout_alone(nets), x, count):
        moments.add(logits.softmax(dim=-1))
    return moments
