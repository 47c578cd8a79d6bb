"""Rows of an experiment as a run would have stored them, with values of one's own."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.design.experiment import Experiment
from harness.figures.style import slide_style


def planted(
    experiment: Experiment[Any],
    value: Callable[[dict[str, Any], str, int], float],
    *,
    blocks: int = 20,
    rounds: int = 1,
    message: Callable[[dict[str, Any], str], str] = lambda *_: "",
) -> pd.DataFrame:
    """A table with a row for each arm, response, block and round.

    Args:
        experiment: names the arms and responses.
        value: of an arm, a response and a block; NaN is a cell that failed.
        blocks: how many.
        rounds: how many.
        message: what was noted of an arm and a response.
    """
    rows = []
    for arm in experiment.arms():
        levels: dict[str, Any] = arm.as_dict()
        for response in experiment.all_responses():
            for block in range(blocks):
                found = value(levels, response.name, block)
                rows += [
                    {
                        **levels,
                        "block": block,
                        "round": number,
                        "response": response.name,
                        "value": found,
                        "status": "failed" if math.isnan(found) else "ok",
                        "message": message(levels, response.name),
                    }
                    for number in range(rounds)
                ]
    return pd.DataFrame(rows)


def drawn(function: Callable[[pd.DataFrame], Figure], table: pd.DataFrame) -> str:
    """Draw a figure in full, and return its title in one line."""
    with slide_style():
        figure = function(table)
        figure.savefig(io.BytesIO(), format="png", dpi=20)
    return str(figure.get_suptitle()).replace("\n", " ")
