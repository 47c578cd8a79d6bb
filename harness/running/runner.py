"""The runner: measures the blocks of a plan one by one and never loses a finished one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Protocol as Interface

from harness.design.experiment import Study
from harness.errors import HarnessError
from harness.meters.device import Device
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.protocol.selection import needs_device
from harness.running.budget import Budget
from harness.running.measure import failures_in, measure_step
from harness.running.pool import measure_in_pool
from harness.running.prestart import Prestart, starts_at_once
from harness.store.durations import add_durations
from harness.store.folders import RunFolder
from harness.store.observations import assemble_finished, is_finished


class Reporter(Interface):
    """Who is told how far the run is."""

    def begin(self, steps: list[Step]) -> None:
        """The steps that are still to do, in order."""

    def done(self, step: Step, seconds: float, failures: int) -> None:
        """A step is on the disk."""


def steps_of(protocol: Protocol) -> list[Step]:
    """All steps of a run, in order.

    Experiments advance side by side (each has done the same share of its blocks), so that a change
    of the machine's load meets all of them, and the time left can be told early. All begin at
    once: one of a single long block that began late would keep one core busy when all else is done.
    """
    steps = [
        Step(rules, planned)
        for rules in protocol.measured()
        for planned in rules.plan(protocol.study, protocol.seed)
    ]
    return sorted(steps, key=lambda step: step.planned.index / step.rules.blocks)


def execute(
    study: Study,
    protocol: Protocol,
    folder: RunFolder,
    device: Device,
    reporter: Reporter,
    *,
    jobs: int = 1,
    clock: Callable[[], float] = time.monotonic,
    ends: float = math.inf,
    order: Sequence[str] = (),
    known: Mapping[str, float] | None = None,
) -> None:
    """Measure every block that is not on the disk yet, then put each experiment's table together.

    Args:
        study: the study the protocol was made from.
        protocol: frozen before the first row.
        folder: a run folder whose lock the caller holds.
        device: where to measure.
        reporter: is told of every finished block.
        jobs: how many blocks to measure side by side, where they take one thread and are not
            timed; the others run alone, after these.
        clock: seconds; for the reporter and the budget only, no time enters the rows.
        ends: when the run must end, by the clock: see ``harness.running.budget``.
        order: the experiments to measure, by worth; by default all, side by side.
        known: what whole experiments took when they were last measured, in seconds, by name.

    Raises:
        HarnessError: a table cannot be written, or one on the disk is broken.
        KeyboardInterrupt: the blocks in flight are given up, everything finished is on the disk.
    """
    folder.drop_partials()
    steps = [step for step in steps_of(protocol) if not is_finished(folder, step)]
    if order:
        steps = [step for step in steps if step.rules.name in order]
        steps.sort(key=lambda step: (order.index(step.rules.name), step.planned.index))
    reporter.begin(steps)
    run = _Run(study, protocol, folder, device, reporter, jobs, Budget(ends, clock, known or {}))
    try:
        for wave in _waves(steps, run.protocol.device if order else "cpu"):
            run.measure(wave)
        assemble_finished(folder, protocol)
    finally:
        # A process that was ended in the middle of a write leaves its half behind.
        folder.drop_partials()
        with suppress(HarnessError):  # nothing depends on it, and the disk may be full
            add_durations(folder, run.seconds)


def _waves(steps: list[Step], device: str) -> list[list[Step]]:
    """Those that need the device, and then the others; one wave where none needs it."""
    first = [step for step in steps if needs_device(step.rules, device)]
    return [wave for wave in (first, [step for step in steps if step not in first]) if wave]


@dataclass
class _Run:
    """What is measured, by whom, and for how long each experiment has been."""

    study: Study
    protocol: Protocol
    folder: RunFolder
    device: Device
    reporter: Reporter
    jobs: int
    budget: Budget
    seconds: dict[str, float] = field(default_factory=dict)

    def measure(self, steps: list[Step]) -> None:
        """Measure some steps: those that can be side by side first, and then one after another."""
        # On a GPU this process measures nothing: what it holds of it would be in the others' way.
        # Nor does it within a budget: a block in its own process could not be given up.
        pool_only = self.device.kind == "cuda" or self.budget.limited
        pooled = self.jobs > 1 or pool_only
        if not self.budget.limited:
            # A worker that has measured in its own process can no longer start a fresh one.
            steps = sorted(steps, key=lambda step: not step.rules.fresh_process)
        together = [step for step in steps if pooled and _may_share_the_machine(step)]
        alone = [step for step in steps if not (pooled and _may_share_the_machine(step))]
        apart = [step for step in alone if step.rules.fresh_process or pool_only]
        here = [step for step in alone if not (step.rules.fresh_process or pool_only)]
        self.budget.expect(together, self.jobs)
        self.budget.expect(apart, 1)
        prestart = Prestart(
            self.folder,
            starts_at_once(self.protocol, self.jobs),
            ready_first=self.budget.limited,
        )
        run, clock, budget = (self.protocol, self.folder), self.budget.clock, self.budget
        side_by_side = measure_in_pool(
            *run,
            together,
            self.jobs,
            clock,
            when_idle=lambda: prestart.start(apart),
            budget=budget,
        )
        one_by_one = measure_in_pool(*run, apart, 1, clock, prestart=prestart, budget=budget)
        try:
            self._take_from(side_by_side, self.jobs)
            self._take_from(one_by_one, 1)
            for step in here:
                started = clock()
                rows = measure_step(self.study, *run, step, self.device)
                self._done(step, clock() - started, failures_in(rows), 1)
        finally:
            prestart.dismiss()  # they may wait for a pool that never began

    def _take_from(
        self, pool: Generator[tuple[Step, float, int], None, None], side_by_side: int
    ) -> None:
        # Closed at once when a reporter or Ctrl-C ends the loop: no worker may outlive the lock.
        with closing(pool) as measured:
            for step, seconds, failures in measured:
                self._done(step, seconds, failures, side_by_side)

    def _done(self, step: Step, seconds: float, failures: int, side_by_side: int) -> None:
        name = step.rules.name
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds / side_by_side
        self.reporter.done(step, seconds, failures)


def _may_share_the_machine(step: Step) -> bool:
    return step.rules.threads == 1 and not step.rules.timed
