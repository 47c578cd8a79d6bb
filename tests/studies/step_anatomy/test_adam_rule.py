"""Adam by hand, where its steps are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.step_anatomy.adam_rule import BOTH, NO_FIRST, NO_SECOND, HandAdam, distance

#: Far above eps = 1e-8.
GRADIENT = st.floats(0.1, 100).flatmap(lambda size: st.sampled_from([size, -size]))


@given(GRADIENT, st.integers(1, 20))
def test_under_one_gradient_every_step_is_the_rate_against_its_sign(g: float, steps: int) -> None:
    hand = HandAdam(np.zeros(1))
    for _ in range(steps):
        hand.step(np.array([g]))
    assert hand.weights[0] == pytest.approx(-0.001 * steps * np.sign(g), rel=1e-6)


def test_the_moments_are_weighted_sums_of_all_gradients() -> None:
    gradients = np.random.default_rng(0).normal(size=(7, 3))
    hand = HandAdam(np.zeros(3))
    for each in gradients:
        hand.step(each)
    ages = np.arange(7)[::-1, None]
    assert np.allclose(hand.first, (0.1 * 0.9**ages * gradients).sum(0))
    assert np.allclose(hand.second, (0.001 * 0.999**ages * gradients**2).sum(0))


@pytest.mark.parametrize(
    ("use", "expected"), [(BOTH, 0.001), (NO_FIRST, 0.001), (NO_SECOND, 0.005)]
)
def test_without_the_second_moment_the_first_step_is_as_long_as_the_gradient(
    use: str, expected: float
) -> None:
    hand = HandAdam(np.zeros(1), use)
    hand.step(np.array([5.0]))
    assert hand.weights[0] == pytest.approx(-expected, rel=1e-6)


def test_without_the_first_moment_a_step_follows_the_last_gradient() -> None:
    hand = HandAdam(np.zeros(1), NO_FIRST)
    hand.step(np.array([1.0]))
    before = hand.weights.copy()
    hand.step(np.array([-1.0]))
    assert hand.weights[0] - before[0] == pytest.approx(0.001, rel=1e-6)


def test_a_distance_is_relative_to_what_is_expected() -> None:
    assert distance(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == pytest.approx(0.75)
