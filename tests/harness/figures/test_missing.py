"""Failed cells in a figure: left out of intervals, kept in tables, and said."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.figures.missing import (
    failed_cells,
    frequency_interval,
    median_interval,
    nothing_measured,
    show_missing,
    wide,
)
from harness.judging import intervals


def test_intervals_are_those_of_the_blocks_that_gave_a_value() -> None:
    there = np.arange(12.0)
    with_holes = np.insert(there, [0, 5, 12], [math.nan, math.inf, math.nan])
    assert median_interval(with_holes) == intervals.median_interval(there)
    events = [1.0, math.nan, 0.0, 1.0]
    assert frequency_interval(events) == intervals.frequency_interval(np.array([1.0, 0.0, 1.0]))


@pytest.mark.parametrize("interval", [median_interval, frequency_interval])
def test_an_interval_of_nothing_is_no_number(interval: object) -> None:
    assert callable(interval)
    found = interval([math.nan, math.nan])
    assert all(math.isnan(each) for each in (found.estimate, found.low, found.high))


def rows() -> pd.DataFrame:
    """Two blocks of two arms, of which one failed in both."""
    table = pd.DataFrame(
        {
            "block": [0, 0, 1, 1],
            "order": [0, 1, 0, 1],
            "arm": ["a", "b", "a", "b"],
            "value": [1.0, math.nan, 3.0, math.nan],
        }
    )
    return table.assign(
        status=["ok", "failed", "ok", "failed"],
        message=["", "RuntimeError: one", "", "RuntimeError: one"],
    )


def test_what_failed_keeps_its_column_in_a_wide_table() -> None:
    table = wide(rows(), index="block", columns="arm")
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1.0, 3.0]
    assert table["b"].isna().all()


def test_several_values_of_one_place_become_their_mean_or_what_is_asked_for() -> None:
    table = pd.concat([rows(), rows().assign(value=[4.0, 1.0, 3.0, 1.0])])
    assert wide(table, index="block", columns="arm")["a"].tolist() == [2.5, 3.0]
    assert wide(table, index="block", columns="arm", how="max")["a"].tolist() == [4.0, 3.0]


def test_cells_are_counted_and_not_rows() -> None:
    assert failed_cells(pd.concat([rows(), rows()])) == (2, 4)


def test_a_number_that_is_none_reads_as_unknown_and_words_stay() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set_title("nan % of finance, +nan points")
    axes.set_xticks([0, 1], ["nan MB", "8 MB"])
    axes.set_yscale("log")
    axes.plot([0, 1], [math.nan, math.nan])
    show_missing(figure, rows())
    figure.draw_without_rendering()
    assert axes.get_title() == "? % of finance, ? points"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["? MB", "8 MB"]
    assert [text.get_text() for text in figure.texts] == ["2 of 4 cells failed"]


def test_a_figure_of_which_nothing_is_missing_is_left_as_it_is() -> None:
    figure = Figure()
    figure.subplots().set_title("nan")
    show_missing(figure, rows().assign(status="ok"))
    assert figure.axes[0].get_title() == "nan"
    assert not figure.texts


def test_where_nothing_was_measured_the_reason_stands() -> None:
    figure = nothing_measured(rows().assign(status="failed", message="RuntimeError: one"))
    assert figure.get_suptitle() == "Nothing was measured: all 4 cells failed"
    assert "RuntimeError: one" in [text.get_text() for text in figure.texts]
