"""Arms that run alone: beside a ratio of times at one clock, that of each arm at its own.

The clock times the arms of a round within a fraction of a second of each other, so that all of them
meet the card at the same clock. A program runs its own kind of work for minutes: at the power limit
one that draws more runs at a lower clock, and the two may be further apart, or less, than at one
clock. What that gives is measured on a GPU alone, after the rounds, and shown beyond the claim.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.design.contrasts import Comparison
from harness.design.factors import PROFILES, Arm, Level, PerProfile
from harness.design.responses import Response
from harness.errors import HarnessError

#: What is measured of an arm that runs alone.
ALONE_SECONDS = Response("alone_seconds", "s", "time of a call that runs alone")
#: What puts it beyond a claim.
WHY = "each runs alone, at its own clock"


@dataclass(frozen=True)
class Alone:
    """Which arms run alone, and for how long.

    The arms are those that the experiment's claims compare as ratios of times, in the first name of
    an A/A. A block takes so many seconds longer for each of them, on CUDA only.

    Args:
        seconds: for which an arm runs alone in a block, for each profile. The first half of it is
            for the card to find its clock.
        at: levels by factor; only arms that have them run alone. All others do by default.

    Raises:
        HarnessError: seconds that are negative, or no number.
    """

    seconds: PerProfile[float]
    at: Mapping[str, Level | tuple[Level, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for profile in PROFILES:
            seconds = self.seconds.of(profile)
            if not (math.isfinite(seconds) and seconds >= 0):
                raise HarnessError(f"An arm cannot run alone for {seconds} seconds.")

    def compares(self, comparison: Comparison) -> Comparison | None:
        """The comparison of the same two arms alone; None of what is no ratio of such times.

        Raises:
            HarnessError: a factor that the design lacks.
        """
        arm, against = comparison.arm, comparison.against
        ratio = comparison.kind == "ratio" and comparison.across == "median"
        if against is None or not ratio or comparison.response != "seconds":
            return None
        if not (self._names(arm) and self._names(against)):
            return None
        return Comparison("ratio", ALONE_SECONDS.name, arm, against, "mean", "median")

    def _names(self, arm: Arm) -> bool:
        levels = arm.as_dict()
        if any(name not in levels for name in self.at):
            raise HarnessError(f"What runs alone names a factor the design lacks: {dict(self.at)}.")
        return all(
            levels[name] in (allowed if isinstance(allowed, tuple) else (allowed,))
            for name, allowed in self.at.items()
        )
