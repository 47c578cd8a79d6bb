"""Traces of rates, with schedulers whose rates are known, and formulas against fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studies.step_anatomy.rates import cosine_by_hand, of_defaults, step_lr_by_hand, trace


class Halving:
    """Halves the rate at each of its steps, and knows nothing else of schedulers."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser

    def step(self) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] /= 2


@given(updates=st.integers(1, 12), every=st.integers(1, 5))
def test_a_rate_is_that_of_the_scheduler_steps_so_far(updates: int, every: int) -> None:
    found = trace(Halving, updates, rate=1.0, every=every)  # type: ignore[arg-type]
    assert found.used == [0.5 ** (done // every) for done in range(updates)]
    assert found.after == 0.5 ** (updates // every)
    assert found.warned == 0


def test_a_scheduler_stepped_first_is_one_ahead() -> None:
    found = trace(Halving, 3, rate=1.0, scheduler_first=True)  # type: ignore[arg-type]
    assert found.used == [0.5, 0.25, 0.125]


@pytest.mark.parametrize("step", [0, 99, 100, 250, 312])
def test_the_stepwise_formula_is_that_of_fractions(step: int) -> None:
    exact = Fraction(1, 100) / 10 ** (step // 100)
    assert step_lr_by_hand(step) == pytest.approx(float(exact), rel=1e-12)


def test_the_cosine_formula_ends_at_zero_and_is_half_way_in_the_middle() -> None:
    assert cosine_by_hand(0, 8, 2.0) == 2.0
    assert cosine_by_hand(4, 8, 2.0) == pytest.approx(1.0)
    assert cosine_by_hand(8, 8, 2.0) == 0.0
    # cos(pi/4): a quarter of the way.
    assert cosine_by_hand(2, 8, 2.0) == pytest.approx(1 + math.sqrt(0.5))


def test_a_scheduler_is_found_by_its_name() -> None:
    optimiser = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    assert type(of_defaults("LinearLR")(optimiser)) is torch.optim.lr_scheduler.LinearLR
