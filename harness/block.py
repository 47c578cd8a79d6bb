"""One block: prepare once, measure every arm in the planned order, and keep what fails as rows."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.design import Arm, Block
from harness.device import Device
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.plan import PlannedBlock
from harness.rules import ExperimentRules
from harness.tables import empty_row, frame_of


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
        The block's rows, in the order measured, with the schema of ``harness.tables``.
    """
    block = Block(planned.index, planned.seed, planned.shared_seed, device.kind, rules.effort)
    device.start(planned.seed, rules.threads)
    try:
        cell = block if experiment.prepare is None else experiment.prepare(block)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
        return failed_block(rules, planned, _sentence(error))
    rows: list[dict[str, Any]] = []
    for order, arm in enumerate(planned.arms):
        device.start(planned.seed, rules.threads)
        try:
            responses = experiment.measure(cell, arm)
            device.synchronise()
            rounds = _rounds_of(responses, rules.responses)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            rows += _failed_rows(rules, planned, order, arm, _sentence(error))
        else:
            rows += _measured_rows(rules, planned, order, arm, rounds)
    return frame_of(rows, rules.factors)


def failed_block(rules: ExperimentRules, planned: PlannedBlock, message: str) -> pd.DataFrame:
    """The rows of a block in which nothing could be measured."""
    rows: list[dict[str, Any]] = []
    for order, arm in enumerate(planned.arms):
        rows += _failed_rows(rules, planned, order, arm, message)
    return frame_of(rows, rules.factors)


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


def _measured_rows(
    rules: ExperimentRules,
    planned: PlannedBlock,
    order: int,
    arm: Arm,
    rounds: Mapping[str, list[float]],
) -> list[dict[str, Any]]:
    common = _common(planned, order, arm)
    return [
        {**common, "round": number, "response": name, "value": value, "unit": rules.responses[name]}
        for name, values in rounds.items()
        for number, value in enumerate(values)
    ]


def _failed_rows(
    rules: ExperimentRules, planned: PlannedBlock, order: int, arm: Arm, message: str
) -> list[dict[str, Any]]:
    common = _common(planned, order, arm) | {"status": "failed", "message": message}
    return [
        {**common, "round": 0, "response": name, "value": math.nan, "unit": unit}
        for name, unit in rules.responses.items()
    ]


def _common(planned: PlannedBlock, order: int, arm: Arm) -> dict[str, Any]:
    return {
        **empty_row(),
        **arm.as_dict(),
        "block": planned.index,
        "seed": planned.seed,
        "order": order,
    }


def _sentence(error: BaseException) -> str:
    """The error in one line, with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + place
