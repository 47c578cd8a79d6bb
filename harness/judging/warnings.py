"""Warnings beside a verdict: a closed set, each with what it says and what to try.

A warning changes no verdict. It says that the number deserves a second look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.judging.effects import Effect
from harness.protocol.rules import Condition, ExperimentRules


@dataclass(frozen=True)
class Warned:
    """A kind of warning: its id, what it says, and what to try."""

    id: str
    says: str
    try_: str


#: Of what was measured on the CPU in a run on a GPU.
ON_CPU = "on-the-cpu"

WARNINGS: Mapping[str, Warned] = {
    warned.id: warned
    for warned in (
        Warned(
            "two-modes",
            "The block values fall into two groups far apart: one number stands for both.",
            "Look at the figure; measure with fewer other programs, or pin the process to a core.",
        ),
        Warned(
            "short-chunks",
            "A chunk of calls was too short for the clock's steps.",
            "Put more work into a call.",
        ),
        Warned(
            "blocks-apart",
            "Blocks differ by more than the effect: fresh processes do not agree on it.",
            "Run with more blocks (profile full), or on a quieter machine.",
        ),
        Warned(
            "aa-undecided",
            "The A/A was too noisy to show that the clock holds: the interval was widened.",
            "Run again on a quieter machine.",
        ),
        Warned(
            "few-values",
            "The block values take two or three values only: the interval lies on these.",
            "Give a count its own region, or measure on more rows.",
        ),
        Warned(
            "one-sample",
            "All blocks draw from one sample: the interval does not cover another one.",
            "Repeat the sample itself (another fine-tuning, another text).",
        ),
        Warned(
            ON_CPU,
            "Its networks trained on the CPU, also in this run on a GPU: the number says nothing "
            "about the GPU.",
            "Nothing, where a claim is about numbers: they depend on no device.",
        ),
        Warned(
            "unwatched",
            "Not all was seen of the GPU (clocks, reasons for a lower one, other processes): that "
            "the A/A holds is all there is to go by.",
            "Install nvidia-ml-py, and run where NVML sees the whole card and its processes.",
        ),
        Warned(
            "rule-after-run",
            "A rule made after this run would judge rows that were not judged: what it gives is "
            "shown as beyond and decides nothing.",
            "Run again: clocks are stored now, and the rule stands before the rows.",
        ),
    )
}

#: A gap between two groups counts from so many times the spread inside of them.
_GAP, _LEAST_BLOCKS, _LEAST_SHARE = 3.0, 8, 0.2
_SHORT_CHUNK_SECONDS = 2e-4
_FEW = (2, 3)


def warnings_of(
    rules: ExperimentRules, condition: Condition, effect: Effect, chunks: Mapping[str, float]
) -> tuple[str, ...]:
    """The ids of the warnings a condition deserves, but for those of the A/A and of a GPU's state.

    Args:
        rules: the experiment's.
        condition: what was judged.
        effect: the block values and their interval.
        chunks: seconds of the shortest typical chunk by arm (as text), where times are judged.
    """
    if effect.problem or condition.comparison.across != "median":
        return ("one-sample",) if rules.one_sample and not effect.problem else ()
    values = np.asarray(effect.values, np.float64)
    arms = (condition.comparison.arm, condition.comparison.against)
    lasted = [chunks[str(arm)] for arm in arms if arm is not None and str(arm) in chunks]
    tests: dict[str, Callable[[], bool]] = {
        "two-modes": lambda: has_two_modes(values),
        "short-chunks": lambda: bool(lasted) and min(lasted) < _SHORT_CHUNK_SECONDS,
        "blocks-apart": lambda: rules.timed and _apart(values, condition),
        "few-values": lambda: len(values) >= _LEAST_BLOCKS and _distinct(values) in _FEW,
        "one-sample": lambda: bool(rules.one_sample),
    }
    return tuple(name for name, test in tests.items() if test())


def has_two_modes(values: NDArray[np.float64]) -> bool:
    """Whether sorted values have one gap several times as wide as both groups it parts.

    Each group must hold a fifth of the values, and more than two values must be different.

    Args:
        values: shape (blocks,), finite.
    """
    ordered = np.sort(values)
    count = len(ordered)
    if count < _LEAST_BLOCKS or len(np.unique(ordered)) <= max(_FEW):
        return False
    gaps = np.diff(ordered)
    at = int(gaps.argmax()) + 1
    if min(at, count - at) < max(2, _LEAST_SHARE * count):
        return False
    inside = max(np.ptp(ordered[:at]), np.ptp(ordered[at:]))
    return bool(gaps[at - 1] > _GAP * inside)


def chunk_seconds(table: pd.DataFrame, factors: list[str]) -> dict[str, float]:
    """The typical length of an arm's chunks, in seconds, by the arm as text.

    Args:
        table: of a timed experiment.
        factors: its factor columns.
    """
    rows = table[(table["phase"] == "measured") & (table["status"] == "ok")]
    seconds = rows[rows["response"] == "seconds"].groupby(factors, sort=False)["value"].median()
    calls = rows[rows["response"] == "calls"].groupby(factors, sort=False)["value"].median()
    lasted = (seconds * calls).dropna()
    return {
        ", ".join(
            f"{name}={level}"
            for name, level in zip(factors, arm if isinstance(arm, tuple) else (arm,), strict=True)
        ): float(value)
        for arm, value in lasted.items()
    }


def _distinct(values: NDArray[np.float64]) -> int:
    """How many values there are, those that differ by rounding alone counted once."""
    scale = float(np.abs(values).max())
    return len(np.unique(np.round(values / scale, 9))) if scale > 0 else 1


def _apart(values: NDArray[np.float64], condition: Condition) -> bool:
    """Whether the middle half of the blocks is wider than the effect itself."""
    if condition.comparison.kind != "ratio" or len(values) < _LEAST_BLOCKS:
        return False
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return bool(math.isfinite(middle) and high - low > max(abs(middle - 1), 0.05))
