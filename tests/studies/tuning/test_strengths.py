"""What is read off the trainings at many strengths."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from studies.tuning.choices import CHOSEN_DECAY
from studies.tuning.ladder import NONE, STRENGTHS, Ladder, decay_of
from studies.tuning.strengths import EXPERIMENT, gap_tells, measure, rank_correlation
from studies.tuning.tasks import CANCER, LISTING
from tests.studies.tuning.planted import history, rows

BLOCKS = (Block(0, 0, 9), Block(1, 1, 9))


def test_the_rank_correlation_is_spearmans_with_ties() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(5, size=(30, 2)), random.normal(size=(30, 2))
    expected = [pd.Series(a[:, i]).corr(pd.Series(b[:, i]), method="spearman") for i in range(2)]
    assert rank_correlation(a.astype(float), b) == pytest.approx(expected)


def test_where_nothing_differs_there_is_no_correlation() -> None:
    assert rank_correlation(np.ones((9, 2)), np.arange(18.0).reshape(9, 2)).tolist() == [0, 0]


def rising(by: float) -> Ladder:
    """Strengths in order: the stronger, the smaller the gap; their loss rises with it, or falls."""
    ladder = Ladder(BLOCKS)
    for place, name in enumerate(STRENGTHS):
        end = 1 + by * (len(STRENGTHS) - place)
        ladder.histories[CANCER, name] = history(
            [[1.0, 1.0], [end, end]], val_score=0.5 + place / 100
        )
    return ladder


def test_a_gap_that_goes_with_overfitting_is_told_from_one_that_does_not() -> None:
    assert gap_tells(rising(0.1), CANCER) == pytest.approx([1, 1])
    assert gap_tells(rising(0.0), CANCER) == pytest.approx([0, 0])


def test_an_arm_is_read_at_the_last_the_best_and_the_epoch_kept() -> None:
    ladder = Ladder(BLOCKS)
    val = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    for name in STRENGTHS:
        ladder.histories[LISTING, name] = history(val, test_loss=10 * val, test_score=0.8)
    first, second = measure(ladder, Arm((("task", LISTING), ("strength", decay_of(1e-3)))))
    assert (first["test_loss"], first["best_test_loss"]) == (20, 10)
    assert (second["test_loss"], second["stopped_test_loss"]) == (30, 10)
    assert first["gap"] == pytest.approx(0.2)
    assert first["early_gap"] == pytest.approx(1.9)
    assert first["doublings"] == pytest.approx(math.log2(10))


def test_the_figures_say_what_the_rows_hold() -> None:
    def value(arm: dict[str, str], response: str, _: int) -> float:
        if response == "gap_tells":
            return 0.25
        return {CHOSEN_DECAY: 0.6, decay_of(1e-3): 0.9}.get(arm["strength"], 1.0)

    table = rows(EXPERIMENT, value, blocks=8)
    over_decay, over_gap = (draw(table).get_suptitle() for draw in EXPERIMENT.figures)
    assert (
        "\N{MINUS SIGN}10.0 (99 % interval \N{MINUS SIGN}10.0 to \N{MINUS SIGN}10.0) %"
        in over_decay
    )
    assert "choose by \N{MINUS SIGN}40.0" in over_decay
    assert "0.25 (breast cancer)" in over_gap
    assert NONE in set(table["strength"])
