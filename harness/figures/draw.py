"""Drawing a run: every figure function of its experiments, on the stored rows, without torch."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.catalogue.loading import load_study
from harness.errors import HarnessError
from harness.figures.style import save_figure, slide_style
from harness.protocol.rules import rules_hash, study_rules
from harness.side_by_side import call_side_by_side
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_run(run: StoredRun, into: RunFolder | None = None) -> list[Path]:
    """Draw the figures of a run.

    Args:
        run: a finished run.
        into: where to write; by default the run folder itself.

    Returns:
        The files written: an svg and a png for every figure function of every experiment.

    Raises:
        HarnessError: a table is missing or broken, or the study's design has changed so that its
            figure functions no longer fit the stored rows.
    """
    protocol = run.protocol
    study = load_study(protocol.study)
    now = study_rules(study, protocol.profile)
    figures = (into or run.folder).figures
    drawings: list[Callable[[], list[Path]]] = []
    for rules in protocol.measured():
        name = rules.name
        functions = study.experiments[name].figures if name in study.experiments else ()
        if not functions:
            continue
        if rules_hash({name: now[name]}) != rules_hash({name: rules}):
            raise HarnessError(
                f"{run.folder.path}: the design of {name} has changed since this run "
                f"(commit {protocol.commit}); draw it with that version, or run the study again."
            )
        for function in functions:
            stem = f"{name}-{function.__name__}".replace("_", "-")
            drawings.append(partial(_draw, function, run.table(rules), figures / stem))
    return list(chain.from_iterable(call_side_by_side(drawings)))


def _draw(
    function: Callable[[pd.DataFrame], Figure], table: pd.DataFrame, stem: Path
) -> list[Path]:
    with slide_style():
        return save_figure(_figure(function, table), stem)


def _figure(function: Callable[[pd.DataFrame], Figure], table: pd.DataFrame) -> Figure:
    try:
        return function(table)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise HarnessError(
            f"The figure {function.__name__} cannot be drawn from these rows "
            f"({type(error).__name__}: {error}; {Path(place.filename).name}, line {place.lineno}). "
            "The rows and the verdicts are kept."
        ) from error
