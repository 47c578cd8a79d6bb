"""What an undecided A/A leaves open: how far the clock may be off, and a verdict in spite of it.

An A/A that comes out off 1 condemns the clock. One whose interval has 1 in it and is merely too
wide for its margin has found nothing wrong; it only could not show that nothing is. Then a ratio of
times is judged as if the clock were off by as much as the A/A still allows: a ratio of 4 survives a
clock that may be off by a tenth, one of 1.05 does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.design.regions import Region
from harness.judging.effects import Effect
from harness.judging.verdicts import Judgement, judge_condition

#: Responses that are read from a clock.
TIMES = frozenset({"seconds", "device_seconds"})


@dataclass(frozen=True)
class Allowance:
    """The clock may be off by this factor, upwards or downwards; 1 is a clock that holds."""

    factor: float = 1.0

    def judge(self, effect: Effect, region: Region) -> Judgement:
        """Judge a ratio of times whose true value may lie so far from what the clock gave.

        Args:
            effect: the ratio as measured.
            region: where the claim holds.
        """
        wider = replace(effect, low=effect.low / self.factor, high=effect.high * self.factor)
        found = judge_condition(wider, region, "median")
        if effect.problem or not math.isfinite(effect.low):
            return found
        note = (
            f" It allows for a clock that is off by up to {100 * (self.factor - 1):.2g} %, which "
            f"the A/A did not rule out; measured were {effect.low:.4g} to {effect.high:.4g}."
        )
        return Judgement(found.verdict, found.reason + note)


def allowance(undecided: Sequence[Effect]) -> Allowance:
    """What undecided A/As of an experiment leave open together: the farthest that any one does.

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
