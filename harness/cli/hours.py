"""The hours of a command: when it began, what it was given, and when it stops measuring."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Kept of a budget for judging, drawing and packing: a share, and the most of it, in seconds.
EVENING, LONGEST_EVENING = 0.15, 30.0


@dataclass(frozen=True)
class Hours:
    """When a command began, and how many seconds it was given; None for as long as it takes."""

    began: float
    budget: float | None = None

    @property
    def ends(self) -> float:
        """When it must be over, by the same clock."""
        return math.inf if self.budget is None else self.began + self.budget

    @property
    def measuring_ends(self) -> float:
        """When no block may be under way any more: judging, drawing and packing come after it."""
        if self.budget is None:
            return math.inf
        return self.ends - min(LONGEST_EVENING, EVENING * self.budget)
