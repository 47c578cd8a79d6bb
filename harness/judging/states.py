"""What the rows of a GPU's state say of the arms of a comparison: clocks, limits, what went unseen.

Only blocks in which all of the arms were sampled count for their clocks: a card that warms up over
the blocks lowers its clock for all arms alike, and arms that were sampled in other blocks would
differ by that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.design.factors import Arm
from harness.design.gpu_state import ALONE, BETWEEN, DECIDING, is_limited
from harness.words import plural

#: Arms compared ran at the same clock where their medians differ by no more than this share.
SAME_CLOCK = 0.01
#: Fewer samples of an arm tell no clock: a limited card's goes up and down all the time.
FEWEST_SAMPLES = 3
_TITLES = {
    "sm_clock": "clocks",
    "throttle_reasons": "reasons for a lower clock",
    "other_processes": "other processes",
}


@dataclass(frozen=True)
class Seen:
    """What was seen of some arms.

    Attributes:
        clocks: median clock of each arm, in MHz; empty where one of them is not known.
        samples: of each arm's clock, those that the medians are of.
        limited: in how many samples of these arms the GPU was at its power limit.
        asked: in how many the reasons for a lower clock were read.
        unseen: what was not seen, and why; empty if all that decides was.
    """

    clocks: tuple[float, ...] = ()
    samples: tuple[int, ...] = ()
    limited: int = 0
    asked: int = 0
    unseen: str = ""

    @property
    def same_clock(self) -> bool:
        """Whether the arms ran at the same clock, as far as is known."""
        return not self.clocks or max(self.clocks) <= (1 + SAME_CLOCK) * min(self.clocks)


class States:
    """The rows of a GPU's state in one experiment's table."""

    def __init__(self, table: pd.DataFrame, factors: Sequence[str], planned_blocks: int) -> None:
        """Find them.

        Args:
            table: of a timed experiment.
            factors: its factor columns, in the design's order.
            planned_blocks: how many blocks the protocol asks for.
        """
        self._rows = table[table["phase"].isin([BETWEEN, ALONE])]
        self._factors, self._planned = list(factors), planned_blocks
        self._unseen = self._not_seen()

    def __bool__(self) -> bool:
        """Whether there are any: a CPU has none, nor have runs from before they were stored."""
        return not self._rows.empty

    def of(self, arms: Sequence[Arm], phase: str = BETWEEN) -> Seen:
        """What was seen of some arms, between the rounds or while each ran alone."""
        rows = [self._of_arm(arm, phase) for arm in arms]
        clocks = [_values(each, "sm_clock") for each in rows]
        common = set.intersection(*(set(each["block"]) for each in clocks)) if clocks else set()
        shared = [each.loc[each["block"].isin(common), "value"].to_numpy() for each in clocks]
        samples = tuple(len(each) for each in shared)
        known = bool(samples) and min(samples) >= FEWEST_SAMPLES
        unseen = self._unseen
        if not (unseen or known):
            unseen = f"clocks (too few samples: {', '.join(map(str, samples))})"
        reasons = [reason for each in rows for reason in _values(each, "throttle_reasons")["value"]]
        return Seen(
            tuple(float(np.median(each)) for each in shared) if known else (),
            samples,
            sum(map(is_limited, reasons)),
            len(reasons),
            unseen,
        )

    def _of_arm(self, arm: Arm, phase: str) -> pd.DataFrame:
        levels = arm.as_dict()
        chosen = self._rows["phase"] == phase
        for name in self._factors:
            chosen &= self._rows[name] == levels[name]
        return self._rows[chosen]

    def _not_seen(self) -> str:
        """Which of the quantities that decide were missing in some block, each with the reason."""
        between = self._rows[self._rows["phase"] == BETWEEN]
        told: dict[str, list[str]] = {}
        for name in DECIDING:
            rows = between[between["response"] == name]
            refused = rows.loc[rows["value"].isna(), "message"]
            seen = _values(between, name)["block"].nunique()
            if len(refused):
                told.setdefault(str(refused.iloc[0]), []).append(_TITLES[name])
            elif seen < self._planned:
                why = f"not read in {self._planned - seen} of {plural(self._planned, 'block')}"
                told.setdefault(why, []).append(_TITLES[name])
        return "; ".join(f"{', '.join(names)} ({why})" for why, names in told.items())


def at_power_limit(table: pd.DataFrame) -> bool:
    """Whether the GPU was at its power limit in any sample between the rounds.

    Args:
        table: of an experiment, timed or not.
    """
    between = table[table["phase"] == BETWEEN]
    return any(map(is_limited, _values(between, "throttle_reasons")["value"]))


def _values(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[(rows["response"] == name) & rows["value"].notna()]
