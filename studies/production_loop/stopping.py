"""Early stopping as document C has it: a patience, and a least gain over the best loss so far."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: What the listing has by default.
PATIENCE, MIN_DELTA = 5, 1e-4


@dataclass
class EarlyStopping:
    """Told a validation loss after each epoch, it says when to stop.

    Attributes:
        patience: epochs in a row without a gain after which it stops.
        min_delta: by how much a loss must be below the best to be a gain.
        best: the lowest loss that was one.
        waited: epochs since.
    """

    patience: int = PATIENCE
    min_delta: float = MIN_DELTA
    best: float = math.inf
    waited: int = 0

    def __call__(self, loss: float) -> bool:
        """Whether to stop now."""
        if loss < self.best - self.min_delta:
            self.best, self.waited = loss, 0
            return False
        self.waited += 1
        return self.waited >= self.patience


def stops_after(losses: Iterable[float], stopper: EarlyStopping) -> int | None:
    """After how many epochs with these losses it stops; None where it does not."""
    for epochs, loss in enumerate(losses, start=1):
        if stopper(loss):
            return epochs
    return None
