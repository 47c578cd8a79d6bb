"""A crew of processes that measure blocks, side by side or, in a crew of one, alone.

Blocks share nothing but the run folder, and every one of them is seeded by itself, so the rows are
the same whoever measures them and in whatever order. A block that asks for a fresh process gets a
fork of a member that has measured nothing itself and forked no other block of the same experiment
or, where members cannot fork, a member of its own; see ``harness.running.worker``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from typing import IO, cast

from harness.errors import HarnessError
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.running.measure import ending, failures_in, measure_failure
from harness.running.prestart import Recruits, end, tell
from harness.running.worker import REFUSED, can_fork
from harness.store.folders import RunFolder
from harness.store.observations import is_finished, read_part


@dataclass
class _Member:
    """A process, the step it is at, when that began, and the experiments it has measured for."""

    process: subprocess.Popen[str]
    step: Step
    started: float
    experiments: set[str] = field(default_factory=set)

    @property
    def answers(self) -> IO[str]:
        return cast(IO[str], self.process.stdout)

    def suits(self, step: Step, *, forks: bool) -> bool:
        """Whether it may measure this step after all that it has measured."""
        own = self.step.rules.fresh_process
        if self.process.returncode is not None or (own and not forks):
            return False
        if step.rules.fresh_process:
            return own and step.rules.name not in self.experiments
        return True

    def ask(self, step: Step, started: float) -> None:
        self.step, self.started = step, started
        self.experiments.add(step.rules.name)
        tell(self.process, f"{step.rules.name} {step.planned.index}")


def measure_with_crew(
    protocol: Protocol,
    folder: RunFolder,
    steps: Sequence[Step],
    size: int,
    clock: Callable[[], float],
    *,
    recruits: Recruits | None = None,
    when_idle: Callable[[], object] | None = None,
) -> Generator[tuple[Step, float, int], None, None]:
    """Measure steps side by side; each is yielded when its file is on the disk.

    A member that dies leaves its block as failed rows, and another takes its place.

    Args:
        protocol: of the run.
        folder: the run folder, whose lock the caller holds.
        steps: what to measure, handed out in this order.
        size: how many processes measure at a time.
        clock: seconds.
        recruits: who start the processes, where several are to start at a time; by default each
            starts when it has something to measure.
        when_idle: is called as soon as a member has nothing left to measure, while others may still
            be at work.

    Yields:
        The step, its seconds and its number of failed rows.

    Raises:
        HarnessError: a member could not go on, because the disk is full for instance.
    """
    with DefaultSelector() as ready:
        recruits = recruits or Recruits(protocol, folder)
        crew = _Crew(protocol, folder, ready, list(reversed(steps)), recruits)
        try:
            for _ in range(min(size, len(steps))):
                if (step := crew.take()) is not None:
                    crew.join(step, clock())
            while ready.get_map():
                for key, _ in ready.select():
                    member: _Member = key.data
                    answer = member.answers.readline().strip()
                    failures = int(answer) if answer else crew.bury(member)
                    yield member.step, clock() - member.started, failures
                    if not crew.go_on(member, clock()) and when_idle is not None:
                        when_idle()
        finally:
            for member in crew.members():
                end(member.process)
            recruits.dismiss()


@dataclass
class _Crew:
    """The members at work, what is still to do (the next of it last), and who may join."""

    protocol: Protocol
    folder: RunFolder
    ready: DefaultSelector
    waiting: list[Step]
    recruits: Recruits

    def members(self) -> list[_Member]:
        return [key.data for key in self.ready.get_map().values()]

    def take(self, member: _Member | None = None) -> Step | None:
        """The next step, for a new member or one that has done its own."""
        others = [other.step.company for other in self.members() if other is not member]
        return _take(self.waiting, member.step if member else None, others)

    def join(self, step: Step, now: float) -> None:
        """Give a step to a new member."""
        process = self.recruits.next((step, *self.waiting))
        member = _Member(process, step, now)
        self.ready.register(member.answers, EVENT_READ, member)
        member.ask(step, now)

    def go_on(self, member: _Member, now: float) -> bool:
        """Give a member its next step, or to another in its place; whether there was one."""
        step = self.take(member)
        if step is not None and member.suits(step, forks=can_fork(self.protocol)):
            member.ask(step, now)
            return True
        self.dismiss(member)
        if step is not None:
            self.join(step, now)
        return step is not None

    def bury(self, member: _Member) -> int:
        """The failures of a member that ended without an answer: its block's, if not on the disk.

        Raises:
            HarnessError: it ended because it could not go on.
        """
        code = member.process.wait()
        step = member.step
        if code == REFUSED:
            self.dismiss(member)
            raise HarnessError(
                f"The process of block {step.planned.index} of {step.rules.name} could not go on; "
                "it says why above."
            )
        if is_finished(self.folder, step):
            return failures_in(read_part(self.folder, self.protocol, step))
        message = f"the block's process {ending(code)}"
        return measure_failure(self.protocol, self.folder, step, message)

    def dismiss(self, member: _Member) -> None:
        self.ready.unregister(member.answers)
        end(member.process)


def _take(
    waiting: list[Step], last: Step | None = None, others: Sequence[tuple[str, int]] = ()
) -> Step | None:
    """The next step for a member; the last of the list, if nothing speaks for another.

    Blocks that are measured together are so in one process: their member goes on with them, and the
    others take something else or, where there is nothing else, have no more to do.
    """
    places = range(len(waiting) - 1, -1, -1)
    own = [at for at in places if last is not None and waiting[at].company == last.company]
    free = [at for at in places if waiting[at].company not in others]
    return waiting.pop((own or free)[0]) if own or free else None
