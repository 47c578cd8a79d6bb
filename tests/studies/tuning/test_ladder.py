"""The ladder of strengths, and what is chosen on it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.design.factors import Block
from studies.tuning.choices import CHOSEN_DECAY, CHOSEN_USUAL, RAISED, strengths_of
from studies.tuning.ladder import (
    ALL_DECAYS,
    BEST,
    DECAYS,
    HALVED_TWICE,
    LAST,
    LEARNING,
    NONE,
    STOPPED,
    STRENGTHS,
    WIDEST,
    Ladder,
    decay_of,
    doublings,
    kept,
    late,
    rate_of,
)
from studies.tuning.tasks import DIGITS
from tests.studies.tuning.planted import history

BLOCKS = (Block(0, 0, 9), Block(1, 1, 9))


def planted(loss: dict[str, tuple[float, float]], *, train: float = 0.5) -> Ladder:
    """A ladder whose trainings have a constant validation loss each; those not named lose 9."""
    ladder = Ladder(BLOCKS)
    for name in STRENGTHS:
        curve = np.tile(loss.get(name, (9.0, 9.0)), (30, 1))
        ladder.histories[DIGITS, name, 0.0] = history(curve, train_loss=train)
    return ladder


def test_strengths_that_are_felt_and_let_a_network_learn_are_neither_weak_nor_starving() -> None:
    assert set(LEARNING) == {
        *(NONE, WIDEST, late(0.9)),
        *(decay_of(decay) for decay in DECAYS if 0.1 < decay < HALVED_TWICE),
        *(rate_of(rate) for rate in (0.2, 0.3, 0.5, 0.7)),
    }


def test_doublings_are_counted_from_the_documents_start() -> None:
    assert doublings(1e-4) == 0
    assert doublings(8e-4) == pytest.approx(3)


def test_the_epoch_kept_is_the_last_the_best_or_that_before_five_worse_ones() -> None:
    curve = [[3.0], [2.0], *([[2.5]] * 5), [1.0], [1.5]]
    curves = history(curve)
    assert kept(curves, LAST).tolist() == [8]
    assert kept(curves, BEST).tolist() == [7]
    assert kept(curves, STOPPED).tolist() == [1]


def test_each_block_chooses_its_own_strength() -> None:
    ladder = planted({NONE: (1.0, 3.0), decay_of(1e-2): (2.0, 2.0)})
    assert strengths_of(ladder, DIGITS, CHOSEN_DECAY, LAST) == [NONE, decay_of(1e-2)]
    assert strengths_of(ladder, DIGITS, CHOSEN_USUAL, LAST) == [decay_of(1e-2)] * 2


def test_a_choice_within_the_documents_range_takes_nothing_stronger() -> None:
    ladder = planted({decay_of(1.28): (0.5, 0.5), decay_of(5e-3): (2.0, 3.0)})
    assert strengths_of(ladder, DIGITS, CHOSEN_USUAL, LAST) == [decay_of(5e-3)] * 2
    assert strengths_of(ladder, DIGITS, CHOSEN_DECAY, LAST) == [decay_of(1.28)] * 2


def test_raising_ends_where_the_gap_is_first_under_ten_per_cent() -> None:
    ladder = planted({decay_of(4e-4): (0.56, 0.54), decay_of(1e-2): (0.5, 0.5)})
    assert strengths_of(ladder, DIGITS, RAISED, LAST) == [decay_of(1e-2), decay_of(4e-4)]


def test_raising_that_never_gets_there_ends_at_the_strongest_decay() -> None:
    assert strengths_of(planted({}), DIGITS, RAISED, LAST) == [decay_of(DECAYS[-1])] * 2


def test_a_training_that_blew_up_is_never_chosen() -> None:
    ladder = planted({NONE: (math.nan, math.nan), decay_of(1e-3): (2.0, 2.0)})
    assert strengths_of(ladder, DIGITS, CHOSEN_DECAY, LAST) == [decay_of(1e-3)] * 2
    assert ALL_DECAYS[0] == NONE
