"""A time budget: which experiments a run begins, so that those it begins are finished in time.

Experiments are taken in an order of worth. Of each the first block is measured, which tells what
the others will take; if they are not expected to end within the budget the experiment is left, with
that block on the disk, for whoever goes on with the run. What was begun is never made smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.protocol.rules import Step

#: An experiment is new until a block of it is under way, on trial until that is done, and then
#: admitted or declined.
State: TypeAlias = Literal["new", "trial", "admitted", "declined"]


@dataclass
class _Account:
    """What is known of an experiment: its cohorts that are not done, and the seconds of one."""

    side_by_side: int
    left: set[tuple[str, int]]
    state: State = "new"
    seconds: float = math.nan

    @property
    def outstanding(self) -> float:
        """Seconds until it is done, those of blocks under way in full."""
        return math.ceil(len(self.left) / self.side_by_side) * self.seconds


@dataclass
class Budget:
    """How long a run may take, and what is to be begun within it.

    Attributes:
        ends: when the run must have ended, by the clock; infinite without a budget.
        clock: seconds.
    """

    ends: float
    clock: Callable[[], float]
    _accounts: dict[str, _Account] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """Whether there is an end at all."""
        return math.isfinite(self.ends)

    @property
    def left(self) -> float:
        """Seconds until the end, none below 0."""
        return max(self.ends - self.clock(), 0.0) if self.limited else math.inf

    def expect(self, steps: Sequence[Step], side_by_side: int) -> None:
        """Take account of steps that will be asked for.

        Args:
            steps: of one or more experiments.
            side_by_side: how many of them are measured at a time.
        """
        for step in steps:
            name = step.rules.name
            self._accounts.setdefault(name, _Account(side_by_side, set())).left.add(step.cohort)

    def admits(self, step: Step) -> bool:
        """Whether a step may begin now: it is the first of its experiment, or all of that fits."""
        if not self.limited:
            return True
        account = self._accounts[step.rules.name]
        if account.state == "trial":  # its first cohort alone
            return False
        return account.state == "admitted" or (account.state == "new" and self.left > 0)

    def began(self, step: Step) -> None:
        """A step is under way."""
        account = self._accounts.get(step.rules.name)
        if account and account.state == "new":
            account.state = "trial"

    def ended(self, step: Step, seconds: float) -> None:
        """A step is done; the first of an experiment decides whether the others are begun."""
        account = self._accounts.get(step.rules.name)
        if account is None or not self.limited:
            return
        account.left.discard(step.cohort)
        if account.state == "trial":
            account.seconds = seconds
            busy = sum(a.outstanding for a in self._accounts.values() if a.state == "admitted")
            fits = busy + account.outstanding <= self.left
            account.state = "admitted" if fits else "declined"

    def declined(self) -> list[str]:
        """Experiments that were left because they would not have ended in time."""
        return [name for name, account in self._accounts.items() if account.state == "declined"]


def unlimited(clock: Callable[[], float]) -> Budget:
    """A budget that admits all."""
    return Budget(math.inf, clock)
