"""When is the loss after eval() nearer to the training loss? One rule for all that ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    T = TypeVar("T", float, Tensor)

MARGIN = 0.05  # of the training loss: the catalogue's margin for a loss
MOSTLY = 0.75  # of the trainings

NEARER = (
    "Comparable with the loss at the end of training: in three of four trainings or more eval "
    "mode's loss lies nearer to the last one printed than train mode's does, by 5 % of it or more, "
    "on the training input. Nearness to eval mode's own loss before saving would hold by "
    "definition."
)


def is_nearer(evaluated: T, train: T, reference: T) -> T:
    """Whether one loss is nearer to a reference than another, by the margin or more.

    Args:
        evaluated: the loss in eval mode, or those of many networks.
        train: the loss of the same in train mode.
        reference: the loss both are compared with.
    """
    gained = abs(train - reference) - abs(evaluated - reference)
    return gained >= MARGIN * reference
