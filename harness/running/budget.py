"""A time budget: which experiments a run begins, so that those it begins are finished in time.

Experiments are taken in an order of worth. One that took longer than what is left when it was last
measured is not begun. Of any other the first block is measured, which tells what the rest will
take; if that is not expected to end within the budget the experiment is left, with the block on the
disk, for whoever goes on with the run. A first block that has itself taken too long for the rest to
follow is given up at that moment. What was begun is never made smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    known: float
    steps: int = 0
    left: set[tuple[str, int]] = field(default_factory=set)
    state: State = "new"
    began: float = math.nan
    seconds: float = math.nan

    @property
    def outstanding(self) -> float:
        """Seconds until it is done, those of blocks under way in full."""
        return math.ceil(len(self.left) / self.side_by_side) * self.seconds

    @property
    def turns(self) -> int:
        """How often it takes the time of one cohort: the one on trial, and then the others."""
        return 1 + math.ceil((len(self.left) - 1) / self.side_by_side)

    def expected(self, blocks: int) -> float:
        """Seconds that what is to do of it took before; 0 where nobody knows."""
        return self.known * self.steps / blocks


@dataclass
class Budget:
    """How long a run may take, and what is to be begun within it.

    Attributes:
        ends: when the run must have ended, by the clock; infinite without a budget.
        clock: seconds.
        known: what whole experiments took when they were last measured, by name.
    """

    ends: float
    clock: Callable[[], float]
    known: Mapping[str, float] = field(default_factory=dict)
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
            if name not in self._accounts:
                self._accounts[name] = _Account(side_by_side, self.known.get(name, 0.0))
            self._accounts[name].left.add(step.cohort)
            self._accounts[name].steps += 1

    def admits(self, step: Step) -> bool:
        """Whether a step may begin now: it is the first of its experiment, or all of that fits."""
        if not self.limited:
            return True
        account = self._accounts[step.rules.name]
        if account.state == "trial":  # its first cohort alone
            return False
        if account.state == "new":
            return self.left > 0 and account.expected(step.rules.blocks) <= self.left
        return account.state == "admitted"

    def began(self, step: Step) -> None:
        """A step is under way."""
        account = self._accounts.get(step.rules.name)
        if account and account.state == "new":
            account.state, account.began = "trial", self.clock() if self.limited else math.nan

    def patience(self, step: Step) -> float:
        """Seconds after which a step under way should be given up.

        One on trial, when all others of its experiment would no longer fit after it; any other,
        when the time is over.
        """
        account = self._accounts.get(step.rules.name)
        if account is None or account.state != "trial":
            return self.left
        share = (self.ends - account.began) / account.turns
        return max(account.began + share - self.clock(), 0.0)

    def gave_up(self, step: Step) -> None:
        """A step on trial was given up: nothing else of its experiment begins."""
        self._accounts[step.rules.name].state = "declined"

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


def unlimited(clock: Callable[[], float]) -> Budget:
    """A budget that admits all."""
    return Budget(math.inf, clock)
