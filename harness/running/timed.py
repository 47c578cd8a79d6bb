"""The timed part of a block: every arm's task built, the rest left to the clock, and the rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.design.alone import ALONE_SECONDS
from harness.design.experiment import Task
from harness.design.factors import Arm
from harness.design.gpu_state import ALONE, BETWEEN, disturbances
from harness.meters.alone import run_alone
from harness.meters.clock import HostClock, Timing, Timings, time_tasks
from harness.meters.device import Device
from harness.meters.gpu import Watch
from harness.meters.sampler import Sampler
from harness.protocol.plan import PlannedBlock
from harness.protocol.rules import ExperimentRules
from harness.store.rows import Row, common_columns, failed_rows, measured_rows, sentence
from harness.store.state_rows import state_rows


def time_arms(
    task_of: Callable[[Arm], Task],
    rules: ExperimentRules,
    planned: PlannedBlock,
    device: Device,
    *,
    started: float,
    watch: Watch | None,
    clock: HostClock = time.perf_counter,
) -> list[Row]:
    """The rows of a timed block: of the rounds, of arms alone, of the state of a GPU meanwhile.

    A disturbed device is no failure: the times are kept, with what disturbed them as the message.

    Args:
        task_of: builds the task of an arm.
        rules: of the experiment.
        planned: the block.
        device: where to measure.
        started: when the block began, by the clock.
        watch: what reads the device's state; None where there is none to read.
        clock: seconds on the host.
    """
    tasks: dict[Arm, Task] = {}
    failures: dict[Arm, BaseException] = {}
    for arm in planned.arms:
        device.start(planned.seed, rules.threads)
        try:
            tasks[arm] = task_of(arm)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            failures[arm] = error
    sampler = None if watch is None else Sampler(watch, clock)
    timings = time_tasks(
        tasks, rules.rounds, planned.seed, device, clock, group_of=rules.group_of, sampler=sampler
    )
    failures |= timings.failures
    alone = _Alone(rules, planned, device, sampler)
    alone.run({a: t for a, t in tasks.items() if a not in failures}, timings, clock)
    lasted = clock() - started
    state = _disturbed(sampler, BETWEEN)
    rows = [row for t in timings.chunks for row in _timed_rows(t, rules, planned, state)]
    for order, arm in enumerate(planned.arms):
        common = common_columns(planned, order, arm) | state
        if arm in failures:
            done = sum(t.arm == arm and t.phase == "measured" for t in timings.chunks)
            failed = failed_rows(common, rules, sentence(failures[arm]), number=done)
            rows += [row for row in failed if arm in alone.arms or not _is_of_alone(row)]
        else:
            rows += measured_rows(common, rules, {"in_calls": [timings.in_calls(arm) / lasted]})
    samples = [] if sampler is None else sampler.samples
    return rows + alone.rows() + state_rows(planned, samples, lasted)


@dataclass
class _Alone:
    """The arms of a block that run alone, one after another in the block's order."""

    rules: ExperimentRules
    planned: PlannedBlock
    device: Device
    sampler: Sampler | None
    seconds: dict[Arm, float] = field(default_factory=dict)
    failures: dict[Arm, BaseException] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those that run alone: on a GPU, where the profile gives them time."""
        wanted = self.rules.alone > 0 and self.device.kind == "cuda"
        return self.rules.alone_arms if wanted else ()

    def run(self, tasks: Mapping[Arm, Task], timings: Timings, clock: HostClock) -> None:
        """Run each of them for as long as the rules say; ``tasks`` are those that did not fail."""
        lasting, device = self.rules.alone, self.device
        for order, arm in enumerate(self.planned.arms):
            if arm not in tasks or arm not in self.arms:
                continue
            try:
                calls = timings.calls(arm)
                self.seconds[arm] = run_alone(tasks[arm], calls, lasting, device, clock).seconds
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it becomes a row
                self.failures[arm] = error
                continue
            if self.sampler is not None:
                self.sampler.ran_alone(arm, order)

    def rows(self) -> list[Row]:
        """A row for each arm that ran alone, or failed to."""
        state, found = _disturbed(self.sampler, ALONE), []
        for order, arm in enumerate(self.planned.arms):
            common = common_columns(self.planned, order, arm) | state
            if arm in self.seconds:
                given = {ALONE_SECONDS.name: [self.seconds[arm]]}
                found += measured_rows(common, self.rules, given)
            elif arm in self.failures:
                failed = failed_rows(common, self.rules, sentence(self.failures[arm]))
                found += [row for row in failed if _is_of_alone(row)]
        return found


def _is_of_alone(row: Row) -> bool:
    return bool(row["response"] == ALONE_SECONDS.name)


def _disturbed(sampler: Sampler | None, phase: str) -> dict[str, str]:
    """Status and message of times that something disturbed in a phase; none where nothing did."""
    samples = [] if sampler is None else [s for s in sampler.samples if s.phase == phase]
    clauses = dict.fromkeys(c for s in samples for c in disturbances(s.reading.values))
    return {"message": "; ".join(clauses), "status": "disturbed"} if clauses else {}


def _timed_rows(
    timing: Timing, rules: ExperimentRules, planned: PlannedBlock, state: Mapping[str, str]
) -> list[Row]:
    chunk = timing.chunk
    values = {"seconds": chunk.seconds, "device_seconds": chunk.device_seconds}
    if timing.phase == "measured" and timing.round == 0:
        values["calls"] = chunk.calls  # the same in all measured rounds
    common = common_columns(planned, timing.order, timing.arm)
    common |= {"phase": timing.phase, "round": timing.round, **state}
    return [
        {**common, "response": name, "value": value, "unit": rules.units[name]}
        for name, value in values.items()
        if value is not None
    ]
