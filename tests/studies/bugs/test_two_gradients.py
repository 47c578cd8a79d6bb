"""Two steps of an optimiser, against its formula worked out by hand."""

from __future__ import annotations

import math

import pytest

from studies.bugs.two_gradients import two_steps


@pytest.mark.parametrize("first", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("second", [0.5, 0.999])
def test_adam_without_zero_grad_goes_on_by_what_it_remembers(first: float, second: float) -> None:
    """Moments b(1 - b) each after a gradient of 0; corrected, b / (1 + b)."""
    expected = -(first / (1 + first)) / math.sqrt(second / (1 + second))
    gradient, _, step = two_steps("Adam", {"betas": (first, second)}, "cpu", kept=True)
    assert gradient == 0
    assert step == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("first", [0.5, 0.9, 0.999])
def test_adam_with_zero_grad_turns_back(first: float) -> None:
    """The first moment is -(1 - b)^2; corrected, -(1 - b) / (1 + b); the second is 1."""
    gradient, _, step = two_steps("Adam", {"betas": (first, 0.99)}, "cpu", kept=False)
    assert gradient == -1
    assert step == pytest.approx((1 - first) / (1 + first), rel=1e-6)


def test_sgd_stands_still_without_zero_grad_and_with_momentum_1() -> None:
    assert two_steps("SGD", {}, "cpu", kept=True) == (0, -1, 0)
    assert two_steps("SGD", {"momentum": 1.0}, "cpu", kept=False) == (-1, -1, 0)
