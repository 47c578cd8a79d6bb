"""What a timed experiment adds to its design: the clock's responses, and its A/A control.

Some of its arms are measured twice, under two names. Their ratio is 1, whatever the machine does;
where a run cannot show that, none of its times is worth a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.design.contrasts import Ratio
from harness.design.factors import Arm, Factor, Level, matching
from harness.design.responses import Response
from harness.errors import HarnessError

#: What the clock gives of every arm. The share of a block's time is that from before ``prepare`` to
#: the last chunk.
RESPONSES = (
    Response("seconds", "s", "time of a call"),
    Response("device_seconds", "s", "time of a call on the device's own time line"),
    Response("calls", "calls", "calls in a chunk"),
    Response("in_calls", "1", "share of the block's time that went to calls, warm-up included"),
)

#: The factor that tells an arm from itself.
COPY = Factor(
    "copy",
    ("first", "again"),
    control="first",
    words={"first": "", "again": "measured a second time"},
)

#: The name of the control that every timed experiment carries.
AA_NAME = "A/A"


@dataclass(frozen=True)
class AA:
    """The arms that are measured twice, and how close to 1 their ratio has to come out.

    Args:
        within: the equivalence margin of the ratio; half of the distance between 1 and the nearest
            edge of a claimed ratio is a good choice.
        at: levels by factor; an arm that has them is measured twice. A factor that is not named
            stands for all its levels.

    Raises:
        HarnessError: a margin that is no positive number below 1.
    """

    within: float
    at: Mapping[str, Level | tuple[Level, ...]]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.within) and 0 < self.within < 1):
            raise HarnessError(f"The margin of an A/A must lie between 0 and 1: {self.within}.")

    def spread(self, arms: Iterable[Arm]) -> tuple[Arm, ...]:
        """Every arm with the factor ``copy``; those measured twice stand twice.

        Raises:
            HarnessError: no arm has the levels, or a factor is unknown.
        """
        arms = tuple(arms)
        if any(name not in arm.as_dict() for arm in arms for name in self.at):
            raise HarnessError(f"The A/A names a factor that the design lacks: {dict(self.at)}.")
        where = {n: lv if isinstance(lv, tuple) else (lv,) for n, lv in self.at.items()}
        twice = set(matching(arms, where))
        if not twice:
            raise HarnessError(f"The A/A names no arm of the design: {dict(self.at)}.")
        return tuple(
            Arm((*arm.levels, (COPY.name, copy)))
            for arm in arms
            for copy in (COPY.levels if arm in twice else COPY.levels[:1])
        )

    def contrast(self) -> Ratio:
        """The second name of an arm over its first."""
        return Ratio("seconds", COPY).by_round()
