"""Effects: from the rows of an experiment to the estimate of one comparison, with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.design.claims import CONFIDENCE
from harness.design.contrasts import Comparison, Within
from harness.design.factors import Arm
from harness.judging.intervals import Interval, frequency_interval, median_interval, observed_range

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
        note: where there is one value, of one row, what was noted beside it.
    """

    estimate: float
    low: float
    high: float
    blocks: int
    problem: str = ""
    values: tuple[float, ...] = ()
    note: str = ""


#: A value's place: its block, and its round where the rounds are kept apart (else 0).
_Key: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class _ArmRows:
    """The rows of one arm and response, in order of block and round; as many in each array."""

    block: NDArray[np.int64]
    round: NDArray[np.int64]
    value: NDArray[np.float64]
    message: NDArray[np.object_]
    status: NDArray[np.object_]

    @property
    def failed(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == "failed", dtype=np.bool_)


class Rows:
    """The measured rows of one experiment, looked up by arm and response."""

    def __init__(self, table: pd.DataFrame, factors: list[str], planned_blocks: int) -> None:
        """Index a table of observations.

        Args:
            table: as ``harness.store.parquet`` reads it.
            factors: the factor columns, in the design's order.
            planned_blocks: how many blocks the protocol asks for.
        """
        measured = table[table["phase"] == "measured"].sort_values(["block", "round"])
        self.factors = factors
        self.planned_blocks = planned_blocks
        self._rows = _ArmRows(
            measured["block"].to_numpy(np.int64),
            measured["round"].to_numpy(np.int64),
            measured["value"].to_numpy(np.float64),
            measured["message"].to_numpy(object),
            measured["status"].to_numpy(object),
        )
        # Positions are much cheaper than a frame for each of some thousand arms and responses.
        places: Any = measured.groupby([*factors, "response"], sort=False).indices
        self._places = {key if isinstance(key, tuple) else (key,): at for key, at in places.items()}

    def of(self, arm: Arm, response: str) -> _ArmRows:
        """The rows of an arm and a response; empty where there are none."""
        levels = arm.as_dict()
        key = (*(levels[name] for name in self.factors), response)
        at = self._places.get(key, np.array([], dtype=np.int64))
        rows = self._rows
        return _ArmRows(
            rows.block[at], rows.round[at], rows.value[at], rows.message[at], rows.status[at]
        )


def compute_effect(comparison: Comparison, rows: Rows, confidence: float = CONFIDENCE) -> Effect:
    """Estimate a comparison from the rows of its experiment.

    Missing blocks, failed cells and values that are NaN or infinite make a problem, never a number.

    Args:
        comparison: what is compared.
        rows: the experiment's rows.
        confidence: level of the interval.
    """
    arms = comparison.cells or (comparison.arm,)
    arms += () if comparison.against is None else (comparison.against,)
    sides = [rows.of(arm, comparison.response) for arm in arms]
    problem = next(filter(None, (_problem(side, rows.planned_blocks) for side in sides)), "")
    if problem:
        return Effect(math.nan, math.nan, math.nan, _finished(sides), problem)
    reduced = [_reduce(side, comparison.within) for side in sides]
    keys = sorted(set().union(*reduced))
    values = _combine(comparison, [_aligned(side, keys) for side in reduced])
    problem = _unjudgeable(comparison, values, reduced[-1])
    blocks = len({block for block, _ in keys})
    if comparison.within == "paired":
        values = _median_of_blocks(keys, values)
    seen = tuple(values.tolist())
    if problem:
        return Effect(math.nan, math.nan, math.nan, blocks, problem, seen)
    interval = _interval(comparison, values, confidence)
    note = str(sides[0].message[0]) if len(sides) == len(sides[0].message) == 1 else ""
    return Effect(interval.estimate, interval.low, interval.high, blocks, "", seen, note)


def _finished(sides: list[_ArmRows]) -> int:
    return min(len(np.unique(side.block[~side.failed])) for side in sides)


def _problem(side: _ArmRows, planned: int) -> str:
    """What is wrong with the rows of one side, as the start of a sentence."""
    failed = side.failed
    if failed.any():
        count = len(np.unique(side.block[failed]))
        return f"{count} of {planned} blocks failed: {side.message[failed][0]}"
    disturbed = side.status == "disturbed"
    if disturbed.any():
        count = len(np.unique(side.block[disturbed]))
        return f"{count} of {planned} blocks were disturbed: {side.message[disturbed][0]}"
    found = len(np.unique(side.block))
    if found < planned:
        return f"{planned - found} of {planned} blocks are missing"
    return ""


def _reduce(side: _ArmRows, within: Within) -> dict[_Key, float]:
    """The value of each block, or of each round of it; of rounds that are no numbers, the first."""
    if within in ("each", "paired"):
        places = zip(side.block.tolist(), side.round.tolist(), strict=True)
        return dict(zip(places, side.value.tolist(), strict=True))
    blocks, starts = np.unique(side.block, return_index=True)
    reduction = _REDUCTIONS[within]
    return {
        (block, 0): float(reduction(rounds) if np.isfinite(rounds).all() else _first_odd(rounds))
        for block, rounds in zip(blocks.tolist(), np.split(side.value, starts[1:]), strict=True)
    }


def _first_odd(rounds: NDArray[np.float64]) -> np.float64:
    """The first value that is no finite number; it says what went wrong."""
    odd: NDArray[np.float64] = rounds[~np.isfinite(rounds)]
    return np.float64(odd[0])


def _median_of_blocks(keys: list[_Key], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median over the rounds of each block; the keys are in order of block."""
    _, starts = np.unique([block for block, _ in keys], return_index=True)
    return np.array([np.median(rounds) for rounds in np.split(values, starts[1:])])


def _aligned(side: dict[_Key, float], keys: list[_Key]) -> NDArray[np.float64]:
    """The values at these places; NaN where this side has none, and so the pair neither."""
    return np.array([side.get(key, math.nan) for key in keys])


def _combine(comparison: Comparison, sides: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Each place's value: of the one arm, of both together, or the share of the cells."""
    if comparison.kind == "share":
        return np.asarray(np.mean(sides, axis=0), np.float64)
    if comparison.against is None:
        return sides[0]
    arm, against = sides
    with np.errstate(divide="ignore", invalid="ignore"):
        both = arm - against if comparison.kind == "difference" else arm / against
    # A number over infinity is 0 and no less wrong: what is odd on one side stays odd.
    odd = np.where(np.isfinite(arm), against, arm)
    return np.where(np.isfinite(arm) & np.isfinite(against), both, odd)


def _unjudgeable(
    comparison: Comparison, values: NDArray[np.float64], against: dict[_Key, float]
) -> str:
    bad = ~np.isfinite(values)
    if bad.any():
        what = ", ".join(sorted({str(value) for value in values[bad].tolist()}))
        by_zero = comparison.kind == "ratio" and 0.0 in against.values()
        why = " (a ratio to zero)" if by_zero else ""
        return f"{int(bad.sum())} of {len(values)} values are {what}{why}"
    if comparison.across == "frequency" and not np.isin(values, (0.0, 1.0)).all():
        return "a frequency was asked of values other than 0 and 1"
    return ""


def _interval(comparison: Comparison, values: NDArray[np.float64], confidence: float) -> Interval:
    if comparison.across == "every":
        return observed_range(values)
    if comparison.across == "frequency":
        return frequency_interval(values, confidence)
    return median_interval(values, confidence)
