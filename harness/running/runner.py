"""The runner: measures the blocks of a plan one by one and never loses a finished one."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol as Interface

from harness.design.experiment import Study
from harness.meters.device import Device
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.running.measure import failures_in, measure_step
from harness.running.pool import measure_in_pool
from harness.running.prestart import Prestart
from harness.store.folders import RunFolder
from harness.store.observations import assemble, is_finished


class Reporter(Interface):
    """Who is told how far the run is."""

    def begin(self, steps: list[Step]) -> None:
        """The steps that are still to do, in order."""

    def done(self, step: Step, seconds: float, failures: int) -> None:
        """A step is on the disk."""


def steps_of(protocol: Protocol) -> list[Step]:
    """All steps of a run, in order.

    Experiments advance side by side (each has done the same share of its blocks), so that a change
    of the machine's load meets all of them, and the time left can be told early.
    """
    steps = [
        Step(rules, planned)
        for rules in protocol.measured()
        for planned in rules.plan(protocol.study, protocol.seed)
    ]
    return sorted(steps, key=lambda step: (step.planned.index + 0.5) / step.rules.blocks)


def execute(
    study: Study,
    protocol: Protocol,
    folder: RunFolder,
    device: Device,
    reporter: Reporter,
    *,
    jobs: int = 1,
    clock: Callable[[], float] = time.monotonic,
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
        clock: seconds; for the reporter only, no time enters the rows.

    Raises:
        HarnessError: a table cannot be written, or one on the disk is broken.
        KeyboardInterrupt: the blocks in flight are given up, everything finished is on the disk.
    """
    folder.drop_partials()
    steps = [step for step in steps_of(protocol) if not is_finished(folder, step)]
    reporter.begin(steps)
    # On a GPU this process measures nothing: what it holds of it would be in the others' way.
    pool_only = device.kind == "cuda"
    pooled = jobs > 1 or pool_only
    # A worker that has measured in its own process can no longer start a fresh one.
    steps.sort(key=lambda step: not step.rules.fresh_process)
    together = [step for step in steps if pooled and _may_share_the_machine(step)]
    alone = [step for step in steps if not (pooled and _may_share_the_machine(step))]
    apart = [step for step in alone if step.rules.fresh_process or pool_only]
    here = [step for step in alone if not (step.rules.fresh_process or pool_only)]
    prestart = Prestart(protocol, folder, jobs)
    side_by_side = measure_in_pool(
        protocol, folder, together, jobs, clock, when_idle=lambda: prestart.start(apart)
    )
    one_by_one = measure_in_pool(protocol, folder, apart, 1, clock, prestart=prestart)
    try:
        _measure_with(side_by_side, reporter)
        _measure_with(one_by_one, reporter)
        for step in here:
            started = clock()
            rows = measure_step(study, protocol, folder, step, device)
            reporter.done(step, clock() - started, failures_in(rows))
        for rules in protocol.measured():
            assemble(folder, protocol, rules)
    finally:
        prestart.dismiss()  # they may wait for a pool that never began
        # A process that was ended in the middle of a write leaves its half behind.
        folder.drop_partials()


def _measure_with(pool: Generator[tuple[Step, float, int], None, None], reporter: Reporter) -> None:
    # Closed at once when a reporter or Ctrl-C ends the loop: no worker may outlive the lock.
    with closing(pool) as measured:
        for step, seconds, failures in measured:
            reporter.done(step, seconds, failures)


def _may_share_the_machine(step: Step) -> bool:
    return step.rules.threads == 1 and not step.rules.timed
