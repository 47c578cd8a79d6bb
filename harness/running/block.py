"""One block: prepare once, measure every arm in the planned order, and keep what fails as rows."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from harness.design.experiment import Experiment, Responses, Task
from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.meters.clock import Timing, time_tasks
from harness.meters.device import Device
from harness.protocol.plan import PlannedBlock
from harness.protocol.rules import ExperimentRules
from harness.running.together import measure_with_cohort
from harness.store.parquet import frame_of
from harness.store.rows import Row, common_columns, failed_rows, measured_rows, sentence


def run_block(
    experiment: Experiment[Any], rules: ExperimentRules, planned: PlannedBlock, device: Device
) -> pd.DataFrame:
    """Measure one block.

    The random streams start from the block's seed before ``prepare`` and again before every arm,
    so that arms share them whatever their order. An arm that raises becomes rows with status
    "failed" and the error's text; so do all arms where ``prepare`` raises.

    Args:
        experiment: what to call.
        rules: the experiment as the protocol has it.
        planned: the block's seed and the order of its arms.
        device: where to measure; also the source of random streams.

    Returns:
        The block's rows, in the order measured, with the schema of ``harness.store.parquet``.
    """
    block = Block(planned.index, planned.seed, planned.shared_seed, device.kind, rules.effort)
    device.start(planned.seed, rules.threads)
    try:
        import_all(experiment.imports)
        started = time.perf_counter()
        cell = block if experiment.prepare is None else experiment.prepare(block)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
        return failed_block(rules, planned, sentence(error))
    rows: list[Row] = []
    if experiment.task is not None:
        rows = _time_arms(partial(experiment.task, cell), rules, planned, device, started)
    elif experiment.measure is not None:
        rows = _measure_arms(partial(experiment.measure, cell), rules, planned, device)
    elif experiment.measure_together is not None:
        rows = _measure_arms(
            partial(measure_with_cohort, experiment.measure_together, block, planned),
            rules,
            planned,
            device,
            seed=planned.peers[0],
        )
    return frame_of(rows, rules.factors)


def import_all(modules: Sequence[str]) -> None:
    """Import modules by their names."""
    for module in modules:
        importlib.import_module(module)


def failed_block(rules: ExperimentRules, planned: PlannedBlock, message: str) -> pd.DataFrame:
    """The rows of a block in which nothing could be measured."""
    rows: list[Row] = []
    for order, arm in enumerate(planned.arms):
        rows += failed_rows(common_columns(planned, order, arm), rules, message)
    return frame_of(rows, rules.factors)


def _measure_arms(
    measure: Callable[[Arm], Responses],
    rules: ExperimentRules,
    planned: PlannedBlock,
    device: Device,
    *,
    seed: int | None = None,
) -> list[Row]:
    rows: list[Row] = []
    for order, arm in enumerate(planned.arms):
        common = common_columns(planned, order, arm)
        device.start(planned.seed if seed is None else seed, rules.threads)
        try:
            responses = measure(arm)
            device.synchronise()
            rounds = _rounds_of(responses, rules.responses)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            rows += failed_rows(common, rules, sentence(error))
        else:
            rows += measured_rows(common, rules, rounds)
    return rows


def _rounds_of(
    responses: Mapping[str, float | Sequence[float]], units: Mapping[str, str]
) -> dict[str, list[float]]:
    """The values of each response by round.

    Raises:
        HarnessError: names other than the experiment's responses, or no value.
    """
    if set(responses) != set(units):
        raise HarnessError(f"measure returned {sorted(responses)}, not {sorted(units)}")
    rounds = {name: np.atleast_1d(np.asarray(responses[name], float)) for name in units}
    for name, values in rounds.items():
        if values.ndim != 1 or values.size == 0:
            raise HarnessError(f"measure returned no plain sequence of numbers for {name!r}")
    return {name: values.tolist() for name, values in rounds.items()}


def _time_arms(
    task_of: Callable[[Arm], Task],
    rules: ExperimentRules,
    planned: PlannedBlock,
    device: Device,
    started: float,
) -> list[Row]:
    """Build every arm's task, and leave the rest to the clock.

    A disturbed device is no failure: the times are kept, with what disturbed them as the message.
    """
    tasks: dict[Arm, Task] = {}
    failures: dict[Arm, BaseException] = {}
    for arm in planned.arms:
        device.start(planned.seed, rules.threads)
        try:
            tasks[arm] = task_of(arm)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            failures[arm] = error
    timings = time_tasks(tasks, rules.rounds, planned.seed, device, group_of=rules.group_of)
    lasted = time.perf_counter() - started
    message = "; ".join(timings.disturbances)
    rows = [row for t in timings.chunks for row in _timed_rows(t, rules, planned, message)]
    failures |= timings.failures
    for order, arm in enumerate(planned.arms):
        common = common_columns(planned, order, arm) | {"message": message}
        if arm in failures:
            done = sum(t.arm == arm and t.phase == "measured" for t in timings.chunks)
            rows += failed_rows(common, rules, sentence(failures[arm]), number=done)
        else:
            rows += measured_rows(common, rules, {"in_calls": [timings.in_calls(arm) / lasted]})
    return rows


def _timed_rows(
    timing: Timing, rules: ExperimentRules, planned: PlannedBlock, message: str
) -> list[Row]:
    chunk = timing.chunk
    values = {"seconds": chunk.seconds, "device_seconds": chunk.device_seconds}
    if timing.phase == "measured" and timing.round == 0:
        values["calls"] = chunk.calls  # the same in all measured rounds
    common = common_columns(planned, timing.order, timing.arm)
    common |= {"phase": timing.phase, "round": timing.round, "message": message}
    return [
        {**common, "response": name, "value": value, "unit": rules.responses[name]}
        for name, value in values.items()
        if value is not None
    ]
