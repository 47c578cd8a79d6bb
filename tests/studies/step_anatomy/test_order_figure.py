"""The grid of orders, on rows whose outcome is known."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from studies.step_anatomy.order_figure import (
    BREAKS,
    FAILED,
    HARMLESS,
    OPEN,
    STOPS,
    cell_of,
    what_breaks,
)
from studies.step_anatomy.order_grid import EXPERIMENT
from tests.studies.step_anatomy.rows import drawn, planted


def table(**outcome: float) -> pd.DataFrame:
    """Rows with the same values everywhere, but for the orders that have none."""
    usual = {"raised": 0.0, "harm": 3.0, "loss_over": 1.2, "points_lost": 3.0, "same": 0.0}

    def value(_: dict[str, Any], response: str, block: int) -> float:
        if response == "harm" and outcome.get("spread"):
            return 0.5 + block / 20
        return {**usual, **outcome}.get(response, 0.0)

    def message(_: dict[str, Any], response: str) -> str:
        return "NameError in iteration 1: it" if response == "raised" else ""

    return planted(EXPERIMENT, value, message=message)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        ({}, BREAKS),
        ({"raised": 1.0}, STOPS),
        ({"harm": 0.2}, HARMLESS),
        ({"spread": 1.0}, OPEN),
        ({"harm": math.nan}, FAILED),
    ],
)
def test_a_cell_is_judged_by_the_interval_of_its_median(
    outcome: dict[str, float], word: str
) -> None:
    rows = table(**outcome)
    assert cell_of(rows[rows["scheduler"] == "StepLR"], "no step()", "SGD").outcome == word


def test_an_exception_is_named_with_its_iteration_and_equal_weights_are_said() -> None:
    rows = table(raised=1.0)
    assert cell_of(rows, "no loss", "Adam").words == "NameError in iteration 1"
    rows = table(harm=0.0, same=1.0)
    assert "bit for bit" in cell_of(rows, "no loss", "Adam").words


def test_the_title_counts_the_judged_orders_of_both_optimisers() -> None:
    assert drawn(what_breaks, table()).startswith("Of 22 single skips and swaps of neighbours, 22 ")


def test_cells_that_failed_are_drawn_and_counted() -> None:
    assert "22 failed" in drawn(what_breaks, table(harm=math.nan))
