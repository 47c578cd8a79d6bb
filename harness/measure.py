"""Measuring one step: here, or in a process of its own where the experiment asks for that."""

from __future__ import annotations

import signal
import subprocess
import sys

import pandas as pd

from harness.block import failed_block, run_block
from harness.device import Device
from harness.errors import HarnessError
from harness.experiment import Study
from harness.folders import RunFolder
from harness.observations import read_part, write_part
from harness.protocol import Protocol
from harness.rules import Step

#: Code a block's process ends with where it cannot go on, a full disk for instance.
REFUSED = 74


def measure_step(
    study: Study, protocol: Protocol, folder: RunFolder, step: Step, device: Device
) -> pd.DataFrame:
    """Measure one block in this process and write its file."""
    rows = run_block(study.experiments[step.rules.name], step.rules, step.planned, device)
    write_part(folder, protocol, step, rows)
    return rows


def measure_apart(protocol: Protocol, folder: RunFolder, step: Step) -> pd.DataFrame:
    """Measure one block in a process of its own; if that dies, its rows say so.

    Raises:
        HarnessError: the process could not go on, because the disk is full for instance.
    """
    code = _run_worker(folder, step)
    if code == REFUSED:
        raise HarnessError(
            f"The process of block {step.planned.index} of {step.rules.name} could not go on; "
            "it says why above."
        )
    if not folder.part(step.rules.name, step.planned.index).is_file():
        measure_failure(protocol, folder, step, f"the block's process {ending(code)}")
    return read_part(folder, protocol, step)


def measure_failure(protocol: Protocol, folder: RunFolder, step: Step, message: str) -> int:
    """Write a block whose process died; the number of its rows, which have all failed."""
    rows = failed_block(step.rules, step.planned, f"{message} and wrote nothing")
    write_part(folder, protocol, step, rows)
    return len(rows)


def failures_in(rows: pd.DataFrame) -> int:
    """How many rows have failed."""
    return int((rows["status"] != "ok").sum())


def ending(code: int) -> str:
    """How a process ended, from its code, as the end of a sentence."""
    return f"ended with code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"


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
            # Popen waits no more than a quarter of a second after Ctrl-C; dying may take longer.
            worker.wait()
