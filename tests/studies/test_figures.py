"""Every figure draws rows of which some cells failed, and says how many.

A fast test fails a few arms that differ in their levels, in all blocks and in one, and then all
arms of one block. A slow one fails each arm by itself, of many those that have every level among
them; with ``--every-arm`` it leaves none out.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator

from harness.design.experiment import Experiment
from harness.design.factors import Arm
from harness.figures.draw import figure_of
from harness.figures.style import slide_style
from harness.protocol.plan import PlannedBlock
from harness.protocol.rules import ExperimentRules
from harness.store.parquet import empty_row, frame_of
from harness.store.rows import common_columns, failed_rows
from tests.studies.planted_times import planted_table
from tests.studies.test_studies import (
    EXPERIMENTS,
    LOADED,
    parameter_of,
    quick_rows,
    short_rules,
)

#: Arms of an experiment that fail in the fast test, one after another.
ARMS = 3
#: Likewise, one after another, in the slow test.
MOST_ARMS = 16
DRAWN = [each for each in EXPERIMENTS if LOADED[each[0]].experiments[each[1]].figures]
EACH_DRAWN = pytest.mark.parametrize(("study", "name"), [parameter_of(each) for each in DRAWN])


@EACH_DRAWN
def test_figures_show_that_cells_failed(study: str, name: str) -> None:
    experiment, rules, planned, table = two_blocks(study, name)
    blocks = sorted(table["block"].unique())
    *most, last = covering(planned.arms, ARMS)
    for arm in most:
        rows = failing(table, rules, planned, [arm], blocks)
        assert_drawn(experiment, rules, rows, failed=len(blocks))
    rows = failing(table, rules, planned, [last], blocks=(0,))
    assert_drawn(experiment, rules, rows, failed=1)
    if len(blocks) == 1:
        return
    block = failing(table, rules, planned, planned.arms, blocks=(0,))
    assert_drawn(experiment, rules, block, failed=len(planned.arms))


@EACH_DRAWN
def test_where_every_cell_failed_a_figure_says_why(study: str, name: str) -> None:
    experiment, rules, planned, table = two_blocks(study, name)
    blocks = sorted(table["block"].unique())
    nothing = failing(table, rules, planned, planned.arms, blocks)
    for function in experiment.figures:
        figure = figure_of(function, nothing)
        assert f"all {len(blocks) * len(planned.arms)} cells failed" in figure.get_suptitle()
        assert "RuntimeError: planted" in "".join(text.get_text() for text in figure.texts)


@pytest.mark.slow
@pytest.mark.timeout(900)
@EACH_DRAWN
def test_figures_show_that_a_cell_failed_whichever_it_is(
    study: str, name: str, request: pytest.FixtureRequest
) -> None:
    experiment, rules, planned, table = two_blocks(study, name)
    blocks = sorted(table["block"].unique())
    every = request.config.getoption("--every-arm")
    *drawn, _ = covering(planned.arms, ARMS)  # by the fast test
    for arm in planned.arms if every else spread(planned.arms, MOST_ARMS):
        if arm in drawn:
            continue
        rows = failing(table, rules, planned, [arm], blocks)
        assert_drawn(experiment, rules, rows, failed=len(blocks))


def two_blocks(
    study: str, name: str
) -> tuple[Experiment[Any], ExperimentRules, PlannedBlock, pd.DataFrame]:
    """An experiment and its rows in quick form, twice: a second block has the same values.

    What only a GPU can measure has planted rows.
    """
    experiment = LOADED[study].experiments[name]
    rules = short_rules(name, experiment)
    planned = rules.plan(study, 0)[0]
    if experiment.needs != "cpu":
        return experiment, rules, planned, planted(experiment, rules, planned)
    table = quick_rows(study, name)
    if experiment.blocks.full > 1:  # what is exact has one block, and figures count on it
        table = pd.concat([table, table.assign(block=1)], ignore_index=True)
    return experiment, rules, planned, table


def planted(
    experiment: Experiment[Any], rules: ExperimentRules, planned: PlannedBlock
) -> pd.DataFrame:
    """Two blocks of rows that nobody measured, with the orders of a plan."""
    if experiment.task is not None:
        table = planted_table(experiment, lambda _: 1.0, blocks=2)
    else:
        stream = np.random.default_rng(0)
        rows = [
            empty_row()
            | arm.as_dict()
            | {"block": block, "seed": 0, "order": 0, "round": number}
            | {"response": response, "unit": unit, "value": stream.lognormal()}
            for block in range(2)
            for arm in planned.arms
            for response, unit in rules.units.items()
            for number in range(3)
        ]
        table = frame_of(rows, rules.factors)
    for order, arm in enumerate(planned.arms):
        table.loc[of_arm(table, arm), "order"] = order
    return table


def of_arm(table: pd.DataFrame, arm: Arm) -> pd.Series[bool]:
    """Which rows are an arm's."""
    at = pd.Series(data=True, index=table.index)
    for name, level in arm.levels:
        at &= table[name] == level
    return at


def failing(
    table: pd.DataFrame,
    rules: ExperimentRules,
    planned: PlannedBlock,
    arms: Collection[Arm],
    blocks: Sequence[int],
) -> pd.DataFrame:
    """The same rows, of which some arms failed in some blocks, as the runner writes it down."""
    gone = pd.Series(data=False, index=table.index)
    parts = []
    for order, arm in enumerate(planned.arms):
        if arm not in arms:
            continue
        gone |= of_arm(table, arm) & table["block"].isin(blocks)
        for block in blocks:
            common = common_columns(planned, order, arm) | {"block": block}
            rows = failed_rows(common, rules, "RuntimeError: planted")
            parts.append(frame_of(rows, rules.factors))
    return pd.concat([table[~gone], *parts], ignore_index=True)


def covering(arms: Sequence[Arm], count: int) -> list[Arm]:
    """Some arms, at most so many: each has a level that those before it lack."""
    seen: set[tuple[str, object]] = set()
    found = []
    for arm in arms:
        if not seen.issuperset(arm.levels):
            seen.update(arm.levels)
            found.append(arm)
    step = max(1, len(found) / count)
    return [found[int(place * step)] for place in range(min(count, len(found)))]


def spread(arms: Sequence[Arm], count: int) -> list[Arm]:
    """At most so many arms: those that cover the levels, and others from all over the plan."""
    found = covering(arms, count)
    others = [arm for arm in arms if arm not in found]
    room = count - len(found)
    return found + others[:: math.ceil(len(others) / room)] if room and others else found


def assert_drawn(
    experiment: Experiment[Any], rules: ExperimentRules, table: pd.DataFrame, failed: int
) -> None:
    """Each figure is drawn, says how many cells failed, and tells no number that is none."""
    cells = len(table[["block", "order"]].drop_duplicates())
    for function in experiment.figures:
        with slide_style(), warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = figure_of(function, table)
            if failed == len(rules.arms):  # to draw takes as long as all else
                figure.set_layout_engine("none")
                figure.draw_without_rendering()
        said = list(texts(figure))
        assert f"{failed} of {cells} cells failed" in said
        assert not [text for text in said if re.search(r"\bnan\b", text)]


def texts(artist: Artist) -> Iterator[str]:
    """All that a figure says, but for the ticks of matplotlib's own choice."""
    if isinstance(artist, Axis):  # to make its ticks takes most of the time
        yield artist.label.get_text()
        if isinstance(artist.get_major_locator(), FixedLocator):
            places = artist.get_majorticklocs().tolist()
            yield from artist.get_major_formatter().format_ticks(places)
        return
    said: Any = artist
    if hasattr(artist, "get_text"):
        yield said.get_text()
    for child in artist.get_children():
        yield from texts(child)
