"""Rows of a timed experiment whose times are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from harness.design.experiment import Experiment
from harness.design.factors import Arm
from harness.judging.effects import Rows, compute_effect
from harness.judging.verdicts import judge_condition
from harness.store.parquet import empty_row, frame_of


def planted_table(
    experiment: Experiment[Any],
    seconds: Callable[[Arm], float],
    *,
    blocks: int = 12,
    rounds: int = 3,
    noise: float = 0.003,
    response: str = "seconds",
) -> pd.DataFrame:
    """The rows of blocks that differ in speed, with a little noise; warm-up takes a hundredfold."""
    stream = np.random.default_rng(0)
    rows = []
    for block in range(blocks):
        speed = stream.lognormal(0, 0.1)
        for arm in experiment.arms():
            for number in range(rounds):
                value = seconds(arm) * speed * stream.lognormal(0, noise)
                common = empty_row() | arm.as_dict() | {"block": block, "seed": 0, "order": 0}
                common |= {"round": number, "response": response, "unit": "s"}
                rows.append(common | {"value": value})
                if number == 0:
                    rows.append(common | {"value": 100 * value, "phase": "warmup"})
    return frame_of(rows, experiment.all_factors())


def verdicts(experiment: Experiment[Any], table: pd.DataFrame) -> dict[str, str]:
    """The verdict of each condition that the table has rows for, by claim and comparison."""
    names = [factor.name for factor in experiment.all_factors()]
    rows = Rows(table, names, planned_blocks=table["block"].nunique())
    found: dict[str, str] = {}
    for posed in experiment.conditions():
        effect = compute_effect(posed.comparison, rows)
        name = getattr(posed.rule, "id", "") or "control"
        judged = judge_condition(effect, posed.region, posed.comparison.across)
        beyond = "beyond " if posed.kind == "beyond" else ""
        found[f"{beyond}{name}: {experiment.label(posed.comparison)}"] = judged.verdict
    return found
