"""Repeated validation: the same weights put to the same rows again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Passes:
    """What repeated validation passes gave.

    Attributes:
        predicted: shape (passes, rows), the class predicted for each row.
        correct: shape (passes, rows), whether that class is the label.
        loss: shape (passes,), mean cross-entropy of each pass, in nats.
    """

    predicted: Tensor
    correct: Tensor
    loss: Tensor

    @property
    def accuracy(self) -> Tensor:
        """The share of rows classified correctly in each pass, shape (passes,), float64."""
        return self.correct.double().mean(dim=1)


def validate_repeatedly(model: nn.Module, x: Tensor, y: Tensor, passes: int) -> Passes:
    """Validate in whatever mode the model is in, without gradients, all rows in one batch.

    Dropout draws a new mask for each row of each pass from torch's global stream. The passes are
    not stacked into one large batch: so they are what a user's repeated validation is, and in eval
    mode each is the same computation to the last bit.

    Args:
        model: maps (rows, features) to (rows, classes) logits.
        x: shape (rows, features).
        y: class numbers, shape (rows,).
        passes: how often.
    """
    with torch.no_grad():
        outputs = [model(x) for _ in range(passes)]
        losses = torch.stack([functional.cross_entropy(logits, y) for logits in outputs])
    predicted = torch.stack([logits.argmax(dim=1) for logits in outputs])
    return Passes(predicted, predicted == y, losses.double())


def flip_rate(predicted: Tensor, classes: int) -> float:
    """How often two different passes give an input two classes, over all pairs and inputs.

    Args:
        predicted: class numbers, shape (passes, inputs).
        classes: how many classes there are.
    """
    passes = len(predicted)
    counts = functional.one_hot(predicted, classes).sum(dim=0).double()  # (inputs, classes)
    agreeing = (counts * (counts - 1)).sum(dim=1) / (passes * (passes - 1))
    return float(1 - agreeing.mean())


def ever_flips(predicted: Tensor) -> float:
    """The share of inputs that do not get one and the same class in all passes.

    Args:
        predicted: class numbers, shape (passes, inputs).
    """
    return float((predicted != predicted[0]).any(dim=0).double().mean())
