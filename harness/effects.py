"""Effects: from the rows of an experiment to the estimate of one comparison, with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.contrasts import Comparison, Within
from harness.design import Arm
from harness.intervals import (
    CONFIDENCE,
    Interval,
    frequency_interval,
    median_interval,
    observed_range,
)

#: From the rounds of a block, all finite, to the block's value. The mean of equal rounds is theirs,
#: and their spread is 0, to the last bit: some claims ask for equality.
_REDUCTIONS: Mapping[Within, Callable[[NDArray[np.float64]], float]] = {
    "mean": lambda rounds: min(max(rounds.mean(), rounds.min()), rounds.max()),
    "sd": lambda rounds: (rounds - rounds[0]).std(ddof=1) if len(rounds) > 1 else math.nan,
    "range": lambda rounds: rounds.max() - rounds.min(),
    "min": lambda rounds: rounds.min(),
    "max": lambda rounds: rounds.max(),
    "distinct": lambda rounds: len(np.unique(rounds)),
}


@dataclass(frozen=True)
class Effect:
    """The estimate of a comparison, or why there is none.

    Attributes:
        estimate: the median (or share) over block values, in the comparison's unit; NaN if none.
        low: lower end of the interval (least value, for a universal comparison).
        high: upper end.
        blocks: how many blocks gave a value.
        problem: why the rows cannot be judged ("2 of 20 blocks failed: ..."); empty if they can.
        values: the block values (for a universal comparison, all values), in order of block.
    """

    estimate: float
    low: float
    high: float
    blocks: int
    problem: str = ""
    values: tuple[float, ...] = ()


class Rows:
    """The measured rows of one experiment, looked up by arm and response."""

    def __init__(self, table: pd.DataFrame, factors: list[str], planned_blocks: int) -> None:
        """Index a table of observations.

        Args:
            table: as ``harness.tables`` reads it.
            factors: the factor columns, in the design's order.
            planned_blocks: how many blocks the protocol asks for.
        """
        measured = table[table["phase"] == "measured"]
        self.factors = factors
        self.planned_blocks = planned_blocks
        self._groups = dict(iter(measured.groupby([*factors, "response"], sort=False)))

    def of(self, arm: Arm, response: str) -> pd.DataFrame:
        """The rows of an arm and a response; empty where there are none."""
        levels = arm.as_dict()
        key = (*(levels[name] for name in self.factors), response)
        found = self._groups.get(key)
        if found is None:
            return pd.DataFrame(
                {"block": [], "round": [], "value": [], "status": [], "message": []}
            )
        return found


def compute_effect(comparison: Comparison, rows: Rows, confidence: float = CONFIDENCE) -> Effect:
    """Estimate a comparison from the rows of its experiment.

    Missing blocks, failed cells and values that are NaN or infinite make a problem, never a number.

    Args:
        comparison: what is compared.
        rows: the experiment's rows.
        confidence: level of the interval.
    """
    sides = [comparison.arm] + ([] if comparison.against is None else [comparison.against])
    tables = [rows.of(arm, comparison.response) for arm in sides]
    problem = next(filter(None, (_problem(table, rows.planned_blocks) for table in tables)), "")
    if problem:
        return Effect(math.nan, math.nan, math.nan, _finished(tables), problem)
    reduced = [_reduce(table, comparison.within) for table in tables]
    values = _pair(comparison, reduced)
    problem = _unjudgeable(comparison, values, reduced[-1])
    blocks = int(values.index.get_level_values("block").nunique())
    seen = tuple(float(value) for value in values)
    if problem:
        return Effect(math.nan, math.nan, math.nan, blocks, problem, seen)
    interval = _interval(comparison, values.to_numpy(np.float64), confidence)
    return Effect(interval.estimate, interval.low, interval.high, blocks, "", seen)


def _finished(tables: list[pd.DataFrame]) -> int:
    return min(int(table.loc[table["status"] == "ok", "block"].nunique()) for table in tables)


def _problem(table: pd.DataFrame, planned: int) -> str:
    """What is wrong with the rows of one side, as the start of a sentence."""
    failed = table[table["status"] != "ok"]
    if len(failed):
        count = failed["block"].nunique()
        return f"{count} of {planned} blocks failed: {failed['message'].iloc[0]}"
    found = table["block"].nunique()
    if found < planned:
        return f"{planned - found} of {planned} blocks are missing"
    return ""


def _reduce(table: pd.DataFrame, within: Within) -> pd.Series[float]:
    if within == "each":
        return table.set_index(["block", "round"])["value"].sort_index()
    ordered = table.sort_values(["block", "round"])
    blocks, starts = np.unique(ordered["block"].to_numpy(), return_index=True)
    values = [
        float(_REDUCTIONS[within](rounds)) if np.isfinite(rounds).all() else math.nan
        for rounds in np.split(ordered["value"].to_numpy(np.float64), starts[1:])
    ]
    return pd.Series(values, index=pd.Index(blocks, name="block"))


def _pair(comparison: Comparison, sides: list[pd.Series[float]]) -> pd.Series[float]:
    if comparison.kind == "value":
        return sides[0]
    arm, against = sides
    if comparison.kind == "difference":
        return arm - against
    with np.errstate(divide="ignore", invalid="ignore"):
        return arm / against


def _unjudgeable(
    comparison: Comparison, values: pd.Series[float], against: pd.Series[float]
) -> str:
    bad = ~np.isfinite(values.to_numpy(np.float64))
    if bad.any():
        what = ", ".join(sorted({str(value) for value in values[bad]}))
        why = " (a ratio to zero)" if comparison.kind == "ratio" and (against == 0).any() else ""
        return f"{int(bad.sum())} of {len(values)} values are {what}{why}"
    if comparison.across == "frequency" and not values.isin([0.0, 1.0]).all():
        return "a frequency was asked of values other than 0 and 1"
    return ""


def _interval(comparison: Comparison, values: Any, confidence: float) -> Interval:  # noqa: ANN401
    if comparison.across == "every":
        return observed_range(values)
    if comparison.across == "frequency":
        return frequency_interval(values, confidence)
    return median_interval(values, confidence)
