"""The breadth of the range of good strengths, and what missing it costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from studies.tuning.penalised import DECADES, EXPONENTS, SINE, WRONG_LISTING, Penalised
from studies.tuning.penalties import EXPERIMENT, at_exponent, good_range, measure
from studies.tuning.tasks import LISTING
from tests.studies.tuning.planted import history, rows

PLACES = np.array(EXPONENTS)


@pytest.mark.parametrize("slope", [0.3, 1.0, 2.0])
def test_the_range_of_a_loss_with_straight_flanks_is_known_in_closed_form(slope: float) -> None:
    low, high = good_range(np.exp(slope * np.abs(PLACES + 2)))
    reach = math.log(1.25) / slope
    assert (low, high) == pytest.approx((-2 - reach, -2 + reach))


def test_a_range_that_reaches_the_end_of_the_grid_ends_there() -> None:
    low, high = good_range(np.where(PLACES < -1, 1.0, 9.0))
    assert low == EXPONENTS[0]
    assert -1.5 < high < -1


def test_a_second_good_stretch_apart_does_not_count() -> None:
    losses = np.array([9, 9, 1, 9, 9, 9, 1.1, 1.1, 9, 9.0])
    low, high = good_range(losses)
    assert EXPONENTS[1] < low < EXPONENTS[2] < high < EXPONENTS[3]


def test_strengths_beyond_the_grid_are_its_ends() -> None:
    losses = np.arange(10.0)
    assert [at_exponent(losses, e) for e in (-9, -5, -3, -0.5, 2)] == [0, 0, 4, 9, 9]
    whole = [at_exponent(losses[::2], e, DECADES) for e in (-9, -5, -3, -1, 2)]
    assert whole == [0, 0, 4, 8, 8]


@pytest.mark.parametrize("setting", [WRONG_LISTING, LISTING, SINE])
def test_the_choice_is_made_on_one_part_and_judged_on_another(setting: str) -> None:
    """Validation prefers -3; on test rows a strength at its tenth is twice, at ten times as bad."""
    penalised = Penalised((Block(0, 0, 9),))
    for exponent in EXPONENTS:
        val = abs(exponent + 3) + 1
        test = {-4.0: 2.0, -3.0: 1.0, -2.0: 8.0}.get(exponent, 3.0)
        penalised.histories[setting, "L2", exponent] = history([[val]], test_loss=test)
    (found,) = measure(penalised, Arm((("task", setting), ("penalty", "L2"))))
    assert found["chosen"] == -3
    assert found["missed"] == pytest.approx(4)
    assert found["blind"] == pytest.approx(1)  # listing 1's strength of L2 is the one chosen
    assert math.isnan(float(str(found["decades"]))) is (setting != WRONG_LISTING)


def test_the_sine_is_listing_1_with_all_points_in_a_step() -> None:
    """Ten per cent of its 500 full-batch steps."""
    penalised = Penalised((Block(0, 7, 9, effort=10), Block(1, 8, 9, effort=10)))
    sample = penalised.points()
    assert (sample.train.x.shape, sample.classes) == ((2, 80, 1), 0)
    history = penalised.history(SINE, "L2", -3.0)
    assert history.epochs.tolist() == [50]
    assert sum(p.numel() for p in history.nets.parameters()) == 2 * (128 * 2 + 128 * 129 + 129)


def test_the_figure_says_how_many_decades_are_good() -> None:
    table = rows(
        EXPERIMENT, lambda arm, *_: 1.0 if arm["penalty"] == "L1" else 2.5, blocks=8, rounds=10
    )
    title = EXPERIMENT.figures[0](table).get_suptitle()
    assert "1.0 (99 % interval 1.0 to 1.0) decades with L1,\n2.5" in title
