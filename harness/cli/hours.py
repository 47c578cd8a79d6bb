"""The hours of a command: when it began, what it was given, and when it stops measuring."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Self

from harness.errors import HarnessError
from harness.protocol.selection import seconds_of

#: Kept of a budget for judging, drawing and packing: a share, and the most of it, in seconds.
EVENING, LONGEST_EVENING = 0.15, 30.0


@dataclass(frozen=True)
class Hours:
    """When a command began, and how many seconds it was given; None for as long as it takes."""

    began: float
    budget: float | None = None

    @classmethod
    def from_now(cls, budget: str | None = None) -> Self:
        """The hours of a command that begins now, before it imports what it needs.

        Args:
            budget: "8m" for instance; None for as long as it takes.

        Raises:
            HarnessError: no duration, or no time.
        """
        began = time.monotonic()
        seconds = None if budget is None else seconds_of(budget)
        if seconds is not None and seconds <= 0:
            raise HarnessError("A budget must be more than no time.")
        return cls(began, seconds)

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
