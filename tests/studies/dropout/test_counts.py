"""Counts of masks, functions, numbers, maps and rows, on cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studies.dropout.maps import broken_maps
from studies.dropout.placement import outputs_that_differ
from studies.dropout.rates import first_below
from studies.dropout.rows_seen import rows_by_mask
from studies.dropout.scaling import slope
from studies.dropout.subnetworks import functions, masks_drawn, numbers_worked_on


def test_units_dropped_in_pairs_have_fewer_masks() -> None:
    assert masks_drawn(4, in_pairs=True) == 4


def test_a_unit_that_nothing_listens_to_halves_the_functions() -> None:
    assert functions((4,)) == 2 * functions((4,), dead=1)


def test_more_layers_work_on_more_numbers() -> None:
    assert numbers_worked_on("ReLU", "ReLU") > numbers_worked_on("ReLU") > numbers_worked_on()


def test_maps_that_are_dropped_pixel_by_pixel_are_broken() -> None:
    assert broken_maps("Dropout", 0.5) > 0
    assert broken_maps("Identity", 0.0) == 0


def test_rows_are_counted_once_for_each_mask() -> None:
    kept = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)
    found = rows_by_mask(kept, np.array([7, 7, 8, 7]))
    assert sorted(found.tolist()) == [1.0, 2.0]


def test_order_changes_the_outputs_of_an_activation_that_is_not_zero_at_zero() -> None:
    assert outputs_that_differ("sigmoid", (6, 3), seed=1) > 0.9


def test_a_curve_comes_down_to_its_target_between_two_epochs() -> None:
    losses = np.array([[0.3, 0.05, 1.0], [0.1, 0.04, 0.9], [0.0, 0.03, 0.8]])
    assert first_below(losses, 0.2).tolist() == pytest.approx([1.5, 1.0, 3.0])


def test_the_slope_of_multiples_is_their_factor() -> None:
    x = torch.randn(5, 4)
    assert slope(2.5 * x, x) == pytest.approx(2.5, abs=1e-5)
