"""Places of float32 between a result and w - r g, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.step_anatomy.listing import RATE
from studies.step_anatomy.sgd_rule import ulps_off

NUMBER = st.floats(-10, 10, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)


def one(value: float) -> np.ndarray:
    return np.array([value], np.float32)


@given(NUMBER, NUMBER, NUMBER)
def test_the_places_are_those_of_exact_fractions(w: float, g: float, after: float) -> None:
    moved = Fraction(RATE) * Fraction(g)
    expected = Fraction(w) - moved
    size = max(abs(Fraction(w)), abs(moved), abs(expected))
    place = Fraction(float(np.spacing(np.float32(float(size)))))
    exact = abs(Fraction(after) - expected) / place
    found = float(ulps_off(one(w), one(g), one(after))[0])
    assert found == pytest.approx(float(exact), rel=1e-6, abs=1e-5)


def test_the_nearest_float_is_half_a_place_away_at_most_and_the_third_next_three() -> None:
    w, g = one(0.3), one(0.7)
    nearest = (w.astype(np.float64) - RATE * g).astype(np.float32)
    assert ulps_off(w, g, nearest)[0] <= 0.5
    further = nearest
    for _ in range(3):
        further = np.nextafter(further, np.float32(1))
    assert 2.5 <= ulps_off(w, g, further)[0] <= 3.5


def test_twice_the_rate_is_far_off() -> None:
    w, g = one(0.3), one(0.7)
    assert ulps_off(w, g, (w - 2 * RATE * g).astype(np.float32))[0] > 1000
