"""What an A/A decides: whether the clock held, and what it leaves open where it cannot tell.

An A/A that comes out off 1 condemns the clock of its experiment; where more of a run's A/As do than
chance allows, the clock of the run. One whose interval has 1 in it and is merely too wide for its
margin has found nothing wrong; it only could not show that nothing is. Then a ratio of times is
judged as if the clock were off by as much as the A/A still allows: a ratio of 4 survives a clock
that may be off by a tenth, one of 1.05 does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.judging.effects import Effect

#: Responses that are read from a clock.
TIMES = frozenset({"seconds", "device_seconds"})
#: A run's A/As fail together where so many failures have a smaller probability than this.
_CHANCE = 0.01


@dataclass(frozen=True)
class Allowance:
    """The clock may be off by this factor, upwards or downwards; 1 is a clock that holds."""

    factor: float = 1.0

    @property
    def percent(self) -> float:
        """By how much the clock may be off, in percent."""
        return 100 * (self.factor - 1)

    def widen(self, effect: Effect) -> Effect:
        """A ratio of times whose true value may lie so far from what the clock gave."""
        if effect.problem:
            return effect
        return replace(effect, low=effect.low / self.factor, high=effect.high * self.factor)


def allowance(undecided: Sequence[Effect]) -> Allowance:
    """What undecided A/As leave open together: the farthest that any one does.

    Args:
        undecided: ratios of an arm to itself, each with a finite interval of positive numbers.
    """
    return Allowance(max((max(aa.high, 1 / aa.low) for aa in undecided), default=1.0))


def leaves_open(effect: Effect) -> bool:
    """Whether an A/A is about 1 and says how far the clock may be off.

    Args:
        effect: the ratio of an arm to itself, with its interval.
    """
    return not effect.problem and 0 < effect.low <= 1 <= effect.high < math.inf


def more_than_chance(failed: int, total: int, confidence: float) -> bool:
    """Whether so many of a run's A/As exclude 1 that chance does not explain it.

    Args:
        failed: how many do.
        total: of how many.
        confidence: of their intervals: each excludes 1 by chance with 1 less that, at most.

    Returns:
        Whether the binomial probability of so many failures or more is below 1 %.
    """
    if failed < 1:
        return False
    from scipy.special import bdtrc

    return bool(bdtrc(failed - 1, total, 1 - confidence) < _CHANCE)
