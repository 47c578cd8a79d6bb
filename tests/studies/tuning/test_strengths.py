"""What is read off the trainings at many strengths."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from studies.tuning.choices import CHOSEN_DECAY
from studies.tuning.ladder import LEARNING, NONE, STRENGTHS, Ladder, decay_of
from studies.tuning.strengths import EXPERIMENT, WRONG, gap_tells, measure, rank_correlation
from studies.tuning.tasks import CANCER, LISTING
from tests.studies.tuning.planted import history, rows

BLOCKS = (Block(0, 0, 9), Block(1, 1, 9))


def test_the_rank_correlation_is_spearmans_with_ties() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(5, size=30).astype(float), random.normal(size=30)
    expected = pd.Series(a).corr(pd.Series(b), method="spearman")
    assert rank_correlation(a, b) == pytest.approx(expected)


def test_where_nothing_differs_there_is_no_correlation() -> None:
    assert rank_correlation(np.ones(9), np.arange(9.0)) == 0
    assert rank_correlation(np.ones(1), np.ones(1)) == 0


def rising(by: float, wrong: float = 0.0, **starved: float) -> Ladder:
    """Strengths in order: the stronger, the smaller the gap; their loss rises with it, or falls.

    Args:
        by: how much more the loss rises with each strength that is weaker.
        wrong: the share of wrong labels.
        starved: the training accuracy, ``train_score``, of the strongest, whose loss rises most.
    """
    ladder = Ladder(BLOCKS)
    for place, name in enumerate(STRENGTHS):
        end = 1 + by * (len(STRENGTHS) - place)
        scores = {"val_score": 0.5 + place / 100}
        if name == LEARNING[-1] and starved:
            end, scores = 99.0, {"val_score": starved["train_score"], **starved}
        ladder.histories[CANCER, name, wrong] = history([[1.0, 1.0], [end, end]], **scores)
    return ladder


def test_a_gap_that_goes_with_overfitting_is_told_from_one_that_does_not() -> None:
    assert gap_tells(rising(0.1), CANCER) == pytest.approx([1, 1])
    assert gap_tells(rising(0.0), CANCER) == pytest.approx([0, 0])


def test_a_network_that_has_not_learnt_the_right_labels_does_not_count() -> None:
    assert (gap_tells(rising(0.1, train_score=0.81), CANCER) < 0.9).all()
    assert gap_tells(rising(0.1, train_score=0.79), CANCER) == pytest.approx([1, 1])
    learnt, starved = (rising(0.1, WRONG, train_score=score) for score in (0.61, 0.59))
    assert (gap_tells(learnt, CANCER, WRONG) < 0.9).all()
    assert gap_tells(starved, CANCER, WRONG) == pytest.approx([1, 1])


def test_where_labels_are_wrong_the_gap_is_read_off_trainings_of_its_own() -> None:
    ladder, wrong = rising(0.0), rising(0.1, WRONG)
    ladder.histories |= wrong.histories
    first = measure(ladder, Arm((("task", CANCER), ("strength", NONE))))[0]
    assert (first["gap_tells"], first["wrong_gap_tells"]) == pytest.approx((0, 1))
    assert first["risen"] == pytest.approx(1)
    assert first["wrong_risen"] == pytest.approx(1 + 0.1 * len(STRENGTHS))
    other = measure(ladder, Arm((("task", CANCER), ("strength", decay_of(1e-3)))))[0]
    assert math.isnan(float(str(other["wrong_gap"])))


def test_an_arm_is_read_at_the_last_the_best_and_the_epoch_kept() -> None:
    ladder = Ladder(BLOCKS)
    val = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    for name in STRENGTHS:
        ladder.histories[LISTING, name, 0.0] = history(val, test_loss=10 * val, test_score=0.8)
    first, second = measure(ladder, Arm((("task", LISTING), ("strength", decay_of(1e-3)))))
    assert (first["test_loss"], first["best_test_loss"]) == (20, 10)
    assert (second["test_loss"], second["stopped_test_loss"]) == (30, 10)
    assert first["gap"] == pytest.approx(0.2)
    assert first["early_gap"] == pytest.approx(1.9)
    assert first["early_over"] == pytest.approx(20)
    assert first["risen"] == pytest.approx(2)
    assert first["doublings"] == pytest.approx(math.log2(10))


def test_the_figures_say_what_the_rows_hold() -> None:
    def value(arm: dict[str, str], response: str, _: int) -> float:
        if response.endswith("gap_tells"):
            return 0.75 if response.startswith("wrong_") else 0.25
        return {CHOSEN_DECAY: 0.6, decay_of(1e-3): 0.9}.get(arm["strength"], 1.0)

    table = rows(EXPERIMENT, value, blocks=8)
    over_decay, over_gap = (draw(table).get_suptitle() for draw in EXPERIMENT.figures)
    assert (
        "\N{MINUS SIGN}10.0 (99 % interval \N{MINUS SIGN}10.0 to \N{MINUS SIGN}10.0) %"
        in over_decay
    )
    assert "choose by \N{MINUS SIGN}40.0" in over_decay
    assert "0.75 (breast cancer)" in over_gap
    assert "0.25 (listing 3's data)" in over_gap
    assert NONE in set(table["strength"])
