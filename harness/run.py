"""The runner: measures the blocks of a plan one by one and never loses a finished one."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol as Interface

import pandas as pd

from harness.block import failed_block, run_block
from harness.device import Device
from harness.errors import HarnessError
from harness.experiment import Study
from harness.folders import RunFolder
from harness.plan import PlannedBlock
from harness.protocol import ExperimentRules, Protocol
from harness.tables import read_table, schema, write_table

#: Code a block's process ends with where it cannot go on, a full disk for instance.
REFUSED = 74


@dataclass(frozen=True)
class Step:
    """One block of one experiment."""

    rules: ExperimentRules
    planned: PlannedBlock


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
        for rules in protocol.experiments.values()
        if rules.measurable_on(protocol.device)
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
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Measure every block that is not on the disk yet, then put each experiment's table together.

    Args:
        study: the study the protocol was made from.
        protocol: frozen before the first row.
        folder: a run folder whose lock the caller holds.
        device: where to measure.
        reporter: is told of every finished block.
        clock: seconds; for the reporter only, no time enters the rows.

    Raises:
        HarnessError: a table cannot be written, or one on the disk is broken.
        KeyboardInterrupt: the block in flight is given up, everything finished is on the disk.
    """
    folder.drop_partials()
    steps = [step for step in steps_of(protocol) if not _is_done(folder, step)]
    reporter.begin(steps)
    for step in steps:
        started = clock()
        rows = _measure(study, protocol, folder, step, device)
        failures = int((rows["status"] != "ok").sum())
        reporter.done(step, clock() - started, failures)
    for rules in protocol.experiments.values():
        if rules.measurable_on(protocol.device):
            _assemble(folder, protocol, rules)
    folder.drop_partials()


def identity(protocol: Protocol, experiment: str) -> dict[str, str]:
    """The labels a table of this run carries."""
    return {"run_sha256": protocol.sha256, "experiment": experiment}


def read_observations(
    folder: RunFolder, protocol: Protocol, rules: ExperimentRules
) -> pd.DataFrame:
    """The finished table of an experiment.

    Raises:
        HarnessError: the run was not finished, or the file does not fit.
    """
    path = folder.table(rules.name)
    if not path.is_file():
        raise HarnessError(
            f"{path}: there is no such table; the run is not finished. "
            f"Go on with: python -m harness run {protocol.study} --resume {folder.path}"
        )
    form = schema(rules.factors, rules.responses)
    return read_table(path, form, identity(protocol, rules.name))


def check_stored(folder: RunFolder, protocol: Protocol) -> None:
    """Read what a stopped run has finished, so that a broken file does not show hours later.

    Raises:
        HarnessError: a table or a block's file does not fit.
    """
    for rules in protocol.experiments.values():
        if folder.table(rules.name).is_file():
            read_observations(folder, protocol, rules)
            continue
        for block in rules.plan(protocol.study, protocol.seed):
            if folder.part(rules.name, block.index).is_file():
                _read_part(folder, protocol, Step(rules, block))


def measure_step(
    study: Study, protocol: Protocol, folder: RunFolder, step: Step, device: Device
) -> pd.DataFrame:
    """Measure one block in this process and write its file."""
    rows = run_block(study.experiments[step.rules.name], step.rules, step.planned, device)
    _write_part(folder, protocol, step, rows)
    return rows


def _measure(
    study: Study, protocol: Protocol, folder: RunFolder, step: Step, device: Device
) -> pd.DataFrame:
    if not step.rules.fresh_process:
        return measure_step(study, protocol, folder, step, device)
    code = _run_worker(folder, step)
    if code == REFUSED:
        raise HarnessError(
            f"The process of block {step.planned.index} of {step.rules.name} could not go on; "
            "it says why above."
        )
    if not folder.part(step.rules.name, step.planned.index).is_file():
        message = f"the block's process {_ending(code)} and wrote nothing"
        _write_part(folder, protocol, step, failed_block(step.rules, step.planned, message))
    return _read_part(folder, protocol, step)


def _run_worker(folder: RunFolder, step: Step) -> int:
    """Measure a block in a process of its own; the code it ended with.

    The process ends when its standard input does, so none outlives a run that is killed. It is in
    a group of its own, so that Ctrl-C reaches the run alone, which then ends it.
    """
    command = [sys.executable, "-m", "harness.worker", str(folder.path)]
    worker = subprocess.Popen(
        [*command, step.rules.name, str(step.planned.index)],
        stdin=subprocess.PIPE,
        process_group=0,
    )
    with worker:
        try:
            return worker.wait()
        finally:
            worker.kill()


def _ending(code: int) -> str:
    return f"ended with code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"


def _is_done(folder: RunFolder, step: Step) -> bool:
    name = step.rules.name
    return folder.table(name).is_file() or folder.part(name, step.planned.index).is_file()


def _write_part(folder: RunFolder, protocol: Protocol, step: Step, rows: pd.DataFrame) -> None:
    path = folder.part(step.rules.name, step.planned.index)
    with interrupts_deferred():
        write_table(path, rows, identity(protocol, step.rules.name))


def _read_part(folder: RunFolder, protocol: Protocol, step: Step) -> pd.DataFrame:
    form = schema(step.rules.factors, step.rules.responses)
    path = folder.part(step.rules.name, step.planned.index)
    return read_table(path, form, identity(protocol, step.rules.name))


def _assemble(folder: RunFolder, protocol: Protocol, rules: ExperimentRules) -> None:
    """Put the blocks' files together into the experiment's table, in order of block."""
    if not folder.table(rules.name).is_file():
        planned = rules.plan(protocol.study, protocol.seed)
        parts = [_read_part(folder, protocol, Step(rules, block)) for block in planned]
        with interrupts_deferred():
            table = pd.concat(parts, ignore_index=True)
            write_table(folder.table(rules.name), table, identity(protocol, rules.name))
    folder.drop_parts(rules.name)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until what is being written is on the disk."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if caught:
            raise KeyboardInterrupt
