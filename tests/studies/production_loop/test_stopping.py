"""Early stopping against curves whose end is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studies.production_loop.min_delta import improves, stopped_on_a_drift
from studies.production_loop.patience import CURVE, NAN, by_definition, curves, gap
from studies.production_loop.stopping import EarlyStopping, stops_after


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_it_stops_so_many_epochs_after_the_best(patience: int) -> None:
    losses = [5.0, 4.0, 3.0, *[3.5] * 20]
    assert stops_after(losses, EarlyStopping(patience)) == 3 + patience


def test_it_never_stops_while_the_loss_falls() -> None:
    assert stops_after([1 / n for n in range(1, 50)], EarlyStopping(1, min_delta=0)) is None


def test_a_gain_starts_the_waiting_anew() -> None:
    losses = [1.0, 1.1, 1.1, 0.5, 0.6, 0.6, 0.6]
    assert stops_after(losses, EarlyStopping(3)) == 7


def test_the_definition_finds_the_first_epochs_in_a_row_without_a_gain() -> None:
    assert by_definition([3.0, 2.0, 2.5, 2.4, 1.0, 1.5, 1.5], 2, 0.0) == 4
    assert by_definition([3.0, 2.0, 1.0], 1, 0.0) is None


def test_the_definition_counts_a_gain_below_min_delta_as_none() -> None:
    assert by_definition([1.0, 0.95, 0.92, 0.7], 2, 0.1) == 3


@pytest.mark.parametrize("kind", CURVE.levels)
def test_curves_differ_and_have_a_loss_for_every_epoch(kind: str) -> None:
    made = curves(kind, np.random.default_rng(0), 3)
    assert not np.array_equal(made[0], made[1])
    assert np.isnan(made).any() == (kind == NAN)


def test_to_stop_and_not_to_stop_are_apart() -> None:
    assert gap(5, None) > gap(5, 7) == 2


def test_gains_are_told_by_min_delta() -> None:
    assert improves(1.0, 1.5e-4)
    assert not improves(1.0, 0.5e-4)


def test_a_slow_drift_is_stopped_on_and_a_fast_one_is_not() -> None:
    assert stopped_on_a_drift(1e-6) == 6  # the first epoch, and five that gain too little
    assert stopped_on_a_drift(1e-3) is None


def test_a_loss_that_is_no_number_is_no_gain() -> None:
    assert stops_after([1.0, math.nan, math.nan], EarlyStopping(2)) == 3
