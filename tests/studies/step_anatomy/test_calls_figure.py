"""The matrix of calls, on rows whose outcome is known."""

from __future__ import annotations

import math
from typing import Any

from studies.step_anatomy.calls_figure import changed_by, what_changes
from studies.step_anatomy.orders import BACKWARD, FORWARD, STEP
from studies.step_anatomy.six_calls import EXPERIMENT
from tests.studies.step_anatomy.rows import drawn, planted


def value(levels: dict[str, Any], response: str, _: int) -> float:
    """A step changes the weights, and with Adam the outputs."""
    if response != "changed" or levels["call"] != STEP:
        return 0.0
    return float(levels["thing"] == "weights" or levels["optimiser"] == "Adam")


def test_a_cell_names_the_optimisers_with_which_it_changes() -> None:
    table = planted(EXPERIMENT, value, blocks=2)
    assert changed_by(table, STEP, "weights") == ["SGD", "Adam"]
    assert changed_by(table, STEP, "outputs") == ["Adam"]
    assert changed_by(table, BACKWARD, "weights") == []


def test_the_title_says_what_changes_the_weights_and_what_a_forward_pass_does() -> None:
    title = drawn(what_changes, planted(EXPERIMENT, value, blocks=2))
    assert "the weights by step() alone" in title
    assert "a forward pass changes nothing" in title


def test_a_cell_without_a_value_is_no_cell_that_stayed() -> None:
    def failing(levels: dict[str, Any], response: str, block: int) -> float:
        return math.nan if levels["call"] == FORWARD else value(levels, response, block)

    table = planted(EXPERIMENT, failing, blocks=2)
    assert changed_by(table, FORWARD, "outputs") is None
    drawn(what_changes, table)
