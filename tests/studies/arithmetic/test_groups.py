"""What updates are made of, and the figure's table of batches, on planted rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.design.factors import Arm, Block
from harness.workloads.arithmetic import Run
from studies.arithmetic.groups import EPOCHS, EXPERIMENT, GROUPS, OVER, WHOLE, measure, the_run
from studies.arithmetic.groups_figure import CHAPTER, OWN_RUN, end_of_epoch, every_batch
from tests.studies.arithmetic.walking import walk


def arm(data: str, batch: int = 8, accumulate: int = 4) -> Arm:
    return Arm((("data", data), ("batch", batch), ("accumulate", accumulate)))


def test_whole_groups_divide_the_data_and_the_others_leave_half_a_batch() -> None:
    assert the_run(arm(WHOLE)) == Run(GROUPS * 32, 8, EPOCHS, 4)
    assert the_run(arm(OVER)) == Run(GROUPS * 32 + 4, 8, EPOCHS, 4)
    assert the_run(arm(CHAPTER)) is OWN_RUN


@pytest.mark.parametrize("data", [WHOLE, OVER, CHAPTER])
def test_every_batch_is_in_the_update_that_a_walk_puts_it_in(data: str) -> None:
    found: Any = measure(Block(0, 1, 0), arm(data))
    run = the_run(arm(data))
    walked = walk(run)
    sizes = [size for epoch in walked.epochs for size in epoch]
    assert list(found["size"]) == sizes
    assert found["off"] == [
        sum(sizes[n] for n in group) - run.batch * run.accumulate for group in walked.groups
    ]
    places = {n: update for update, group in enumerate(walked.groups) for n in group}
    assert list(found["source"]) == [places.get(n, -1) for n in range(len(sizes))]
    assert found["unlike_calculator"] == 0


def rows(sizes: list[float], sources: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "data": CHAPTER,
            "round": [*range(len(sizes)), *range(len(sources))],
            "response": ["size"] * len(sizes) + ["source"] * len(sources),
            "value": [*sizes, *sources],
        }
    )


def test_the_figure_knows_what_each_update_is_made_of() -> None:
    batches = every_batch(rows([4, 4, 2, 4, 3], [0, 0, 1, 1, -1]))
    assert batches["made_of"].tolist() == [8, 8, 6, 6, 3]
    assert batches["source"].tolist() == [0, 0, 1, 1, -1]


def test_rows_without_numbers_are_drawn_as_failed() -> None:
    nan = float("nan")
    figure = end_of_epoch(rows([nan, nan], [nan, nan]))
    assert isinstance(figure, Figure)
    assert {text.get_text() for text in figure.axes[0].texts} == {"failed"}


def test_there_is_no_cell_twice() -> None:
    names = [each.as_dict() for each in EXPERIMENT.arms()]
    assert len({str(name) for name in names}) == len(names)
