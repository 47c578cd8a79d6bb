"""A pool of processes that measure blocks, side by side or, in a pool of one, alone.

Blocks share nothing but the run folder, and every one of them is seeded by itself, so the rows are
the same whoever measures them and in whatever order. A block that asks for a fresh process gets a
fork of a worker that has measured nothing itself and forked no other block of the same experiment
or, where workers cannot fork, a worker of its own; see ``harness.running.worker``.
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
from harness.running.budget import Budget, unlimited
from harness.running.measure import ending, failures_in, measure_failure
from harness.running.prestart import Prestart, end, tell
from harness.running.worker import REFUSED, SPENT, can_fork
from harness.store.folders import RunFolder
from harness.store.observations import is_finished, read_part


@dataclass
class _Worker:
    """A process, the step it is at, when that began, the experiments it has measured for.

    It is spent when it has measured a block itself: what it forks then would be no fresh process.
    """

    process: subprocess.Popen[str]
    step: Step
    started: float
    experiments: set[str] = field(default_factory=set)
    spent: bool = False

    @property
    def answers(self) -> IO[str]:
        return cast(IO[str], self.process.stdout)

    def suits(self, step: Step, *, forks: bool) -> bool:
        """Whether it may measure this step after all that it has measured."""
        own, forks = self.step.rules.fresh_process, forks and not self.spent
        if self.process.returncode is not None or (own and not forks):
            return False
        if step.rules.fresh_process:
            return own and step.rules.name not in self.experiments
        return True

    def ask(self, step: Step, started: float) -> None:
        self.step, self.started = step, started
        self.experiments.add(step.rules.name)
        tell(self.process, f"{step.rules.name} {step.planned.index}")


def measure_in_pool(
    protocol: Protocol,
    folder: RunFolder,
    steps: Sequence[Step],
    size: int,
    clock: Callable[[], float],
    *,
    prestart: Prestart | None = None,
    when_idle: Callable[[], object] | None = None,
    budget: Budget | None = None,
) -> Generator[tuple[Step, float, int], None, None]:
    """Measure steps side by side; each is yielded when its file is on the disk.

    A worker that dies leaves its block as failed rows, and another takes its place.

    Args:
        protocol: of the run.
        folder: the run folder, whose lock the caller holds.
        steps: what to measure, handed out in this order.
        size: how many processes measure at a time.
        clock: seconds.
        prestart: who start the processes, where several are to start at a time; by default each
            starts when it has something to measure.
        when_idle: is called as soon as a worker has nothing left to measure, while others may still
            be at work.
        budget: says which steps may begin, and when all ends: what is then under way is given up.

    Yields:
        The step, its seconds and its number of failed rows.

    Raises:
        HarnessError: a worker could not go on, because the disk is full for instance.
    """
    with DefaultSelector() as ready:
        budget = budget or unlimited(clock)
        # What a step takes decides what else is begun: a process that starts must not weigh in it.
        prestart = prestart or Prestart(
            folder, ready_first=budget.limited, spare=budget.limited and size > 1
        )
        pool = _Pool(protocol, folder, ready, list(reversed(steps)), prestart, budget)
        try:
            pool.fill(size, clock)
            while ready.get_map() and budget.left > 0:
                for key, _ in ready.select(pool.patience()):
                    worker: _Worker = key.data
                    answer = worker.answers.readline().split()
                    worker.spent |= SPENT in answer
                    failures = int(answer[0]) if answer else pool.bury(worker)
                    seconds = clock() - worker.started
                    budget.ended(worker.step, seconds)
                    yield worker.step, seconds, failures
                    if not pool.go_on(worker, clock) and when_idle is not None:
                        when_idle()
                pool.give_up_the_hopeless()
                pool.fill(size, clock)  # a block that is done may have let others begin
        finally:
            for worker in pool.workers():
                end(worker.process)
            prestart.dismiss()


@dataclass
class _Pool:
    """The workers at work, what is still to do (the next of it last), and who may join."""

    protocol: Protocol
    folder: RunFolder
    ready: DefaultSelector
    waiting: list[Step]
    prestart: Prestart
    budget: Budget

    def workers(self) -> list[_Worker]:
        return [key.data for key in self.ready.get_map().values()]

    def take(self, worker: _Worker | None = None) -> Step | None:
        """The next step, for a new worker or one that has done its own."""
        others = [other.step.cohort for other in self.workers() if other is not worker]
        last = worker.step if worker else None
        return _take(self.waiting, last, others, self.budget.admits)

    def fill(self, size: int, clock: Callable[[], float]) -> None:
        """Let workers join as long as there is something for them."""
        while len(self.ready.get_map()) < size and (step := self.take()) is not None:
            self.join(step, clock)

    def join(self, step: Step, clock: Callable[[], float]) -> None:
        """Give a step to a new worker, if one is ready before the time is over."""
        process = self.prestart.next((step, *self.waiting), self.time_left)
        if process is None:
            return
        # The clock is read when it is ready: to start is no part of what a step takes.
        worker = _Worker(process, step, clock())
        self.ready.register(worker.answers, EVENT_READ, worker)
        self.ask(worker, step, worker.started)

    def ask(self, worker: _Worker, step: Step, now: float) -> None:
        """Give a step to a worker that is ready."""
        self.budget.began(step)
        worker.ask(step, now)

    def go_on(self, worker: _Worker, clock: Callable[[], float]) -> bool:
        """Give a worker its next step, or to another in its place; whether there was one."""
        step = self.take(worker)
        if step is not None and worker.suits(step, forks=can_fork()):
            self.ask(worker, step, clock())
            return True
        self.dismiss(worker)
        if step is not None:
            self.join(step, clock)
        return step is not None

    def time_left(self) -> float | None:
        """Seconds until all ends; None where nothing is to end."""
        return self.budget.left if self.budget.limited else None

    def patience(self) -> float | None:
        """Seconds to wait for an answer, before something may have to be given up."""
        if not self.budget.limited:
            return None
        return min(self.budget.patience(worker.step) for worker in self.workers())

    def give_up_the_hopeless(self) -> None:
        """End workers whose first block took too long for all of its experiment to fit."""
        if not self.budget.limited:
            return
        for worker in self.workers():
            if self.budget.left > 0 and self.budget.patience(worker.step) <= 0:
                self.budget.gave_up(worker.step)
                self.dismiss(worker)

    def bury(self, worker: _Worker) -> int:
        """The failures of a worker that ended without an answer: its block's, if not on the disk.

        Raises:
            HarnessError: it ended because it could not go on.
        """
        code = worker.process.wait()
        step = worker.step
        if code == REFUSED:
            self.dismiss(worker)
            raise HarnessError(
                f"The process of block {step.planned.index} of {step.rules.name} could not go on; "
                "it says why above."
            )
        if is_finished(self.folder, step):
            return failures_in(read_part(self.folder, self.protocol, step))
        message = f"the block's process {ending(code)}"
        return measure_failure(self.protocol, self.folder, step, message)

    def dismiss(self, worker: _Worker) -> None:
        self.ready.unregister(worker.answers)
        end(worker.process)


def _take(
    waiting: list[Step],
    last: Step | None = None,
    others: Sequence[tuple[str, int]] = (),
    admits: Callable[[Step], bool] = lambda _: True,
) -> Step | None:
    """The next step for a worker; the last of the list, if nothing speaks for another.

    Blocks that are measured together are so in one process: their worker goes on with them, and the
    others take something else or, where there is nothing else, have no more to do.
    """
    places = [at for at in range(len(waiting) - 1, -1, -1) if admits(waiting[at])]
    own = [at for at in places if last is not None and waiting[at].cohort == last.cohort]
    free = [at for at in places if waiting[at].cohort not in others]
    return waiting.pop((own or free)[0]) if own or free else None
