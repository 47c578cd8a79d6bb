"""The worked step in fractions and by autograd, against linear algebra."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.arithmetic.by_hand import (
    BIAS,
    HALF_SUM,
    INPUT,
    MEAN,
    SUM,
    TARGET,
    WEIGHTS,
    by_autograd,
    exact,
)


def numbers(values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(values, dtype=np.float64)


@pytest.mark.parametrize("rate", ["0.01", "0.3", "1"])
def test_fractions_and_autograd_are_what_matrices_give(rate: str) -> None:
    w, b, x, t = (numbers(each) for each in (WEIGHTS, BIAS, INPUT, TARGET))
    error = w @ x + b - t
    step = float(rate)
    new_w, new_b = w - step * np.outer(error, x), b - step * error
    for found in (exact(rate), by_autograd(rate=rate)):
        for name, expected in {
            "outputs": w @ x + b,
            "loss": error @ error / 2,
            "by_output": error,
            "by_weight": np.outer(error, x),
            "by_bias": error,
            "weights": new_w,
            "bias": new_b,
            "outputs_after": new_w @ x + new_b,
            "loss_after": np.square(new_w @ x + new_b - t).sum() / 2,
        }.items():
            np.testing.assert_allclose(numbers(getattr(found, name)), expected, atol=1e-13)


@given(st.fractions(min_value=0, max_value=2))
def test_a_step_multiplies_every_error_by_one_less_rate_times_squares(rate: Fraction) -> None:
    """Of a linear layer with bias: 1 - rate (x . x + 1), the same for each output."""
    squares = sum(Fraction(v) ** 2 for v in INPUT) + 1
    found = exact(str(rate))
    for before, after, target in zip(found.outputs, found.outputs_after, TARGET, strict=True):
        assert after - Fraction(target) == (before - Fraction(target)) * (1 - rate * squares)


def test_the_sum_is_twice_the_mean_of_two_and_twice_its_half() -> None:
    half, mean, summed = (by_autograd(name) for name in (HALF_SUM, MEAN, SUM))
    assert summed.loss == pytest.approx(2 * mean.loss) == pytest.approx(2 * half.loss)
    np.testing.assert_allclose(summed.by_weight, 2 * numbers(half.by_weight))
