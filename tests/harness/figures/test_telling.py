"""Medians with their intervals as titles have them, and what is drawn of blocks that failed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from harness.figures.marks import draw_blocks
from harness.figures.telling import note, told


@pytest.mark.parametrize(
    ("values", "form", "unit", "words"),
    [
        (np.full(20, 3.14), ".1f", "%", "3.1 % (99 % interval 3.1 to 3.1)"),
        ([1.0, 3.0], ".0f", "", "2 (too few for an interval)"),
        ([np.nan, 2.0], ".0f", "nat", "2 nat (too few for an interval)"),
        ([np.nan, np.inf], ".0f", "nat", "not measured"),
        (np.full(20, -1.5), "+.1f", "points", "−1.5 points (99 % interval −1.5 to −1.5)"),  # noqa: RUF001 - true minus signs
    ],
)
def test_a_median_is_told_with_its_interval(
    values: np.ndarray, form: str, unit: str, words: str
) -> None:
    assert told(values, form, unit) == words


def test_the_interval_can_be_left_out() -> None:
    assert told(np.full(20, 3.14), ".1f", interval=False) == "3.1"


def test_a_note_says_device_number_and_marks() -> None:
    axes = Figure().add_subplot()
    note(axes, "CPU", 12)
    assert axes.get_title(loc="left") == (
        "CPU, 12 processes (dots); diamonds: medians with 99 % intervals"
    )
    note(axes, "", 1, "seed")
    assert axes.get_title(loc="left").startswith("1 seed (dots)")


@pytest.mark.parametrize(
    ("values", "points", "says"), [([1.0, np.nan, 3.0], 2, []), ([np.nan, np.inf], 0, ["failed"])]
)
def test_blocks_that_gave_no_number_are_missing_and_where_none_gave_one_it_says_so(
    values: list[float], points: int, says: list[str]
) -> None:
    axes = Figure().add_subplot()
    draw_blocks(axes, 1.0, np.array(values), colour="black", width=0.1)
    drawn: object = axes.lines[0].get_xdata() if axes.lines else []
    assert len(np.atleast_1d(np.asarray(drawn))) == points
    assert [text.get_text() for text in axes.texts] == says
