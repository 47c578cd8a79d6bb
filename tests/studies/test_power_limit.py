"""The figures of timed experiments say that the GPU was at its power limit, where it was."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.figures.style import slide_style
from harness.figures.times import say_power_limit
from tests.studies.planted_times import planted_table

FIGURES = [
    pytest.param(study, name, figure, id=f"{study}/{name}/{figure.__name__}")
    for study in study_names()
    for name, experiment in load_study(study).experiments.items()
    if experiment.task is not None
    for figure in experiment.figures
]


@pytest.mark.parametrize(("study", "name", "figure"), FIGURES)
@pytest.mark.parametrize("limited", [True, False])
def test_a_figure_of_times_at_the_power_limit_says_so(
    study: str, name: str, figure: Callable[[pd.DataFrame], Figure], limited: bool
) -> None:
    experiment = load_study(study).experiments[name]
    times = planted_table(experiment, lambda arm: 1e-3)
    own = times[times["phase"] == "measured"].assign(response="device_seconds")
    state = own[own["round"] == 0].assign(
        phase="state", response="throttle_reasons", unit="bits", value=4.0 if limited else 1.0
    )
    table = pd.concat([times, own, state], ignore_index=True)
    with slide_style():
        drawn = figure(table)
        say_power_limit(drawn, table)
    texts = [text.get_text() for text in drawn.findobj(Text)]
    assert any("at its power limit" in text for text in texts) is limited
