"""Inverted: what is kept is compared with its input over 1 - p, exactly as in fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.design.factors import Arm, Block
from studies.defaults.inverted import LAYER, NAIVE, RATE, SAME, make, measure, scaled_off

BLOCK = Block(index=0, seed=1, shared_seed=0)


@given(st.fractions(Fraction(1, 100), Fraction(99, 100)), st.fractions(Fraction(1, 2), 2))
def test_the_distance_is_that_of_exact_fractions(p: Fraction, factor: Fraction) -> None:
    x = torch.tensor([0.5, 1.0, 1.25], dtype=torch.float64)
    found = scaled_off(x, x * float(factor / (1 - p)), float(p))
    assert found == pytest.approx(abs(float(factor) - 1), abs=1e-12)


@pytest.mark.parametrize("p", RATE.levels)
def test_a_mask_without_scaling_is_off_by_p(p: float) -> None:
    torch.manual_seed(0)
    found = measure(BLOCK, Arm((("layer", NAIVE), ("rate", p))))
    assert found["off"] == pytest.approx(p)
    assert found["both"] == 1


def test_scaled_values_are_within_the_margin_and_a_slip_of_a_hundredth_is_not() -> None:
    x = torch.rand(1000) + 0.5
    assert scaled_off(x, x * (1 / (1 - 0.3)), 0.3) <= SAME
    assert scaled_off(x, x * 1.01 / 0.7, 0.3) > SAME


def test_every_layer_is_made_anew_in_train_mode() -> None:
    for layer in LAYER.levels:
        made = make(layer, 0.5)
        assert getattr(made, "training", True)
        assert getattr(made, "p", 0.5) == 0.5
