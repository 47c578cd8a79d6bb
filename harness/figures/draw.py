"""Drawing a run: every figure function of its experiments, on the stored rows, without torch."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.errors import HarnessError
from harness.figures.missing import nothing_measured, show_missing
from harness.figures.style import save_figure, slide_style
from harness.figures.times import say_allowance, say_power_limit
from harness.judging.aa import Allowance
from harness.judging.judge import clock_allowance
from harness.judging.staleness import staleness
from harness.side_by_side import call_side_by_side
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_run(run: StoredRun, into: RunFolder | None = None) -> list[Path]:
    """Draw the figures of a run, but for those of experiments whose rules have changed since.

    A figure shows the edges of today's rules, and reads the rows of today's design: what was drawn
    when these were the run's is left as it is.

    Args:
        run: a finished run.
        into: where to write; by default the run folder itself.

    Returns:
        The files written: an svg and a png for every figure function of every experiment.

    Raises:
        HarnessError: a table is missing or broken, or a figure function does not fit it.
    """
    protocol, stale = run.protocol, staleness(run.protocol)
    if stale.study is None:
        return []
    figures = (into or run.folder).figures
    drawings: list[Callable[[], list[Path]]] = []
    for rules in run.finished():
        if stale.concerns(rules.name):
            continue
        allowed = clock_allowance(run, rules)
        for function in stale.study.experiments[rules.name].figures:
            stem = f"{rules.name}-{function.__name__}".replace("_", "-")
            table = run.table(rules).copy(deep=False)
            table.attrs["device"] = protocol.device  # for figures that name it
            drawings.append(partial(_draw, function, table, allowed, figures / stem))
    return list(chain.from_iterable(call_side_by_side(drawings)))


def figures_of(run: StoredRun) -> int:
    """How many figures a run has, as far as it is finished."""
    study = staleness(run.protocol).study
    if study is None:
        return 0
    return sum(len(study.experiments[rules.name].figures) for rules in run.finished())


def _draw(
    function: Callable[[pd.DataFrame], Figure], table: pd.DataFrame, allowed: Allowance, stem: Path
) -> list[Path]:
    with slide_style():
        figure = figure_of(function, table)
        say_power_limit(figure, table)
        say_allowance(figure, allowed)
        return save_figure(figure, stem)


def figure_of(function: Callable[[pd.DataFrame], Figure], table: pd.DataFrame) -> Figure:
    """What a figure function draws of a table, with what is missing from it.

    Args:
        function: of a study.
        table: the rows of its experiment; those of failed cells have no number.

    Raises:
        HarnessError: the function does not fit the table.
    """
    if (table["status"] == "failed").all():
        return nothing_measured(table)
    try:
        figure = function(table)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise HarnessError(
            f"The figure {function.__name__} cannot be drawn from these rows "
            f"({type(error).__name__}: {error}; {Path(place.filename).name}, line {place.lineno}). "
            "The rows and the verdicts are kept."
        ) from error
    show_missing(figure, table)
    return figure
