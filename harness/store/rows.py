"""The rows that one arm of a block becomes, measured or failed."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from typing import Any, TypeAlias

from harness.design.factors import Arm
from harness.protocol.plan import PlannedBlock
from harness.protocol.rules import ExperimentRules
from harness.store.parquet import empty_row
from harness.words import plain, shown

Row: TypeAlias = dict[str, Any]


def common_columns(planned: PlannedBlock, order: int, arm: Arm) -> Row:
    """The columns that all rows of an arm share.

    Args:
        planned: the block.
        order: the arm's place in the order measured.
        arm: its levels are columns.
    """
    return {
        **empty_row(),
        **arm.as_dict(),
        "block": planned.index,
        "seed": planned.seed,
        "order": order,
    }


def measured_rows(
    common: Row,
    rules: ExperimentRules,
    rounds: Mapping[str, list[float]],
    notes: Mapping[str, str] | None = None,
) -> list[Row]:
    """A row for each response and round.

    Args:
        common: of the arm.
        rules: give the units.
        rounds: the values of each response by round.
        notes: what stands behind a response's number, in words.
    """
    units = rules.units
    rows = [
        {**common, "round": number, "response": name, "value": value, "unit": units[name]}
        for name, values in rounds.items()
        for number, value in enumerate(values)
    ]
    for row in rows:
        row["message"] = shown(plain((notes or {}).get(row["response"], row["message"])))
    return rows


def failed_rows(common: Row, rules: ExperimentRules, message: str, number: int = 0) -> list[Row]:
    """A row for each response that says why there is no value.

    Args:
        common: of the arm.
        rules: give the responses.
        message: what went wrong, in a sentence.
        number: the round in which it did.
    """
    failure = {"round": number, "value": math.nan, "status": "failed", "message": message}
    return [
        {**common, **failure, "response": name, "unit": unit} for name, unit in rules.units.items()
    ]


def sentence(error: BaseException) -> str:
    """The error in one line, with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return shown(plain(f"{type(error).__name__}: {error}")) + place
