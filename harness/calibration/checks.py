"""Checks: simulated rates, each with the requirement it is held against."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Quantity: TypeAlias = Literal[
    "covered", "reproduced though false", "refuted though true", "decided", "violation not seen"
]


@dataclass(frozen=True)
class Check:
    """One simulated rate and the requirement it is held against.

    Attributes:
        interval: the kind of interval, with what it is taken of.
        distribution: of the block values.
        blocks: how many blocks an experiment had.
        quantity: what was counted.
        region: the kind of region, where one was judged.
        simulations: how many experiments were simulated.
        rate: the share of them in which it happened.
        limit: what the rate is held against.
        met: whether the requirement is met.
    """

    interval: str
    distribution: str
    blocks: int
    quantity: Quantity
    region: str
    simulations: int
    rate: float
    limit: float
    met: bool

    @property
    def se(self) -> float:
        """The Monte-Carlo standard error of the rate."""
        return math.sqrt(self.rate * (1 - self.rate) / self.simulations)

    def __str__(self) -> str:
        where = f"{self.interval}; {self.distribution}; {self.blocks} blocks"
        judged = f" ({self.region})" if self.region else ""
        seen = f"{100 * self.rate:.2f} % (s.e. {100 * self.se:.2f})"
        return f"{where}: {self.quantity}{judged} {seen}, limit {100 * self.limit:.4g} %"
