"""One block: prepare once, measure every arm in the planned order, and keep what fails as rows."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, SupportsFloat, cast

import pandas as pd

from harness.design.experiment import Experiment, Noted, Responses
from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.meters.device import Device
from harness.protocol.plan import PlannedBlock
from harness.protocol.rules import ExperimentRules
from harness.running.timed import time_arms
from harness.running.together import cohort_of
from harness.store.parquet import frame_of
from harness.store.rows import Row, common_columns, failed_rows, measured_rows, sentence

#: What ``prepare_run`` made for the experiment that this process measures.
_RUNS: dict[Any, Any] = {}


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
    kind = "cpu" if rules.on_cpu else device.kind
    block = Block(planned.index, planned.seed, planned.shared_seed, kind, rules.effort)
    together = experiment.measure_together is not None
    seed = planned.peers[0] if together else planned.seed
    try:
        import_all(experiment.imports)
        device.start(planned.shared_seed, rules.threads)
        block = replace(block, run=prepared_run(experiment, block))
        device.start(seed, rules.threads)
        watch = device.watch() if rules.timed else None  # to open it is no part of what is timed
        started = time.perf_counter()
        if together:
            cell: Any = cohort_of(experiment, block, planned)
        else:
            cell = block if experiment.prepare is None else experiment.prepare(block)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
        return failed_block(rules, planned, sentence(error))
    rows: list[Row] = []
    if experiment.task is not None:
        task = partial(experiment.task, cell)
        rows = time_arms(task, rules, planned, device, started=started, watch=watch)
    elif experiment.measure is not None:
        rows = _measure_arms(partial(experiment.measure, cell), rules, planned, device, seed)
    elif together:
        measure = partial(cell.measure, place=planned.place)
        rows = _measure_arms(measure, rules, planned, device, seed)
    return frame_of(rows, rules.factors)


def prepared_run(experiment: Experiment[Any], block: Block) -> Any:  # noqa: ANN401 - the study's own
    """What all blocks of an experiment share, made once in this process.

    Raises:
        Exception: whatever the study raised, again for every block.
    """
    if experiment.prepare_run is None:
        return None
    key = experiment.prepare_run, block.shared_seed, block.effort
    if key not in _RUNS:
        _RUNS.clear()  # of one experiment at a time: the last one's may be large
        _RUNS[key] = experiment.prepare_run(replace(block, index=0, seed=block.shared_seed))
    return _RUNS[key]


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
    seed: int,
) -> list[Row]:
    rows: list[Row] = []
    for order, arm in enumerate(planned.arms):
        common = common_columns(planned, order, arm)
        device.start(seed, rules.threads)
        try:
            responses = measure(arm)
            device.synchronise()
            rounds, notes = _rounds_of(responses, rules.units)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            rows += failed_rows(common, rules, sentence(error))
        else:
            rows += measured_rows(common, rules, rounds, notes)
    return rows


def _rounds_of(
    responses: Mapping[str, object], names: Collection[str]
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """The values of each response by round, and what stands behind them in words.

    Raises:
        HarnessError: names other than the experiment's responses, no value, or one that is no
            number.
    """
    if set(responses) != set(names):
        raise HarnessError(f"measure returned {sorted(responses)}, not {sorted(names)}")
    notes = {name: r.note for name, r in responses.items() if isinstance(r, Noted)}
    return {name: _numbers(name, responses[name]) for name in names}, notes


def _numbers(name: str, given: object) -> list[float]:
    """A response as plain numbers, one a round.

    Raises:
        HarnessError: something else than a real number or a plain sequence of them.
    """
    given = given.value if isinstance(given, Noted) else given
    if isinstance(given, (str, bytes, dict, set)) or given is None:
        raise HarnessError(f"measure returned {_kind(given)} for {name!r}, not a number")
    if _is_number(given):
        return [float(cast(SupportsFloat, given))]
    if not isinstance(given, Iterable) or getattr(given, "ndim", 1) != 1:
        raise HarnessError(f"measure returned {_kind(given)} for {name!r}, not numbers in a row")
    rounds = list(given)
    if not rounds:
        raise HarnessError(f"measure returned no number for {name!r}")
    for each in rounds:
        if not _is_number(each):
            raise HarnessError(f"measure returned {_kind(each)} among the numbers for {name!r}")
    return [float(each) for each in rounds]


def _is_number(given: object) -> bool:
    """A bool, an int, a float, one of NumPy's, or an array or tensor of no dimension of such."""
    if isinstance(given, (bool, int, float)):
        return True
    if getattr(given, "ndim", None) != 0 or not hasattr(given, "dtype"):
        return False
    kind = str(given.dtype).rpartition(".")[2]
    return kind.startswith(("bool", "int", "uint", "float", "bfloat"))


def _kind(given: object) -> str:
    return f"a {type(given).__name__}"
