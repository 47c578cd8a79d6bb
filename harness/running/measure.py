"""Measuring one step in this process, and what is kept of one whose process died."""

from __future__ import annotations

import signal

import pandas as pd

from harness.design.experiment import Study
from harness.meters.device import Device
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.running.block import failed_block, run_block
from harness.store.folders import RunFolder
from harness.store.observations import write_part


def measure_step(
    study: Study, protocol: Protocol, folder: RunFolder, step: Step, device: Device
) -> pd.DataFrame:
    """Measure one block in this process and write its file."""
    rows = run_block(study.experiments[step.rules.name], step.rules, step.planned, device)
    write_part(folder, protocol, step, rows)
    return rows


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
