"""Visits are counted as by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.drawing import DISTRIBUTED, DROPPED, IN_ORDER, WEIGHTED
from studies.sampling.visits import BATCH, GPUS, LOADER, ROWS, examples_by_visits, measure, visits


def test_planted_visits_are_told_apart() -> None:
    found = visits([3, 3, 0, 1, 5], epochs=3)
    assert found == {"otherwise": 3, "never": 1, "less": 1, "more": 1}


@pytest.mark.parametrize(
    ("loader", "otherwise"),
    [(IN_ORDER, 0), (DROPPED, ROWS % BATCH), (DISTRIBUTED, -ROWS % GPUS)],
)
def test_one_epoch_of_a_known_loader_is_counted(loader: str, otherwise: int) -> None:
    found = measure(Block(0, 1, 2), Arm((("loader", loader), ("epochs", 1))))
    assert found["otherwise"] == otherwise


def test_the_figure_tells_the_share_that_never_came() -> None:
    rows = [
        {"loader": loader, "epochs": 1, "block": 0, "response": response, "value": value}
        for loader in LOADER.levels
        for response, value in (("otherwise", 0.0), ("never", 2500.0), ("more", 100.0))
    ]
    table = pd.DataFrame(rows)
    table.loc[table["loader"] == DROPPED, "value"] = float("nan")
    with slide_style():
        figure = examples_by_visits(table)
    title = figure.get_suptitle()
    assert "a weighted one leaves 25 % of them out" in title
    assert any(text.get_text() == "failed" for text in figure.axes[0].texts)
    assert LOADER.say(WEIGHTED) in [t.get_text() for t in figure.axes[0].get_yticklabels()]
