"""What curves do, in numbers, against curves whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.workloads.curves import exponent, finite_part, rises, share_left, swings

STEPS = np.arange(1.0, 201)


def test_the_exponent_of_a_power_law_is_its_power() -> None:
    curves = np.stack([STEPS, 3 * STEPS**0.5, np.full(200, 2.0)], axis=1)
    np.testing.assert_allclose(exponent(curves), [1, 0.5, 0], atol=1e-12)


def test_what_comes_after_the_first_value_that_is_no_number_does_not_count() -> None:
    curve = np.array([1.0, 2, 3, np.inf, 4, np.nan])
    assert finite_part(curve).tolist() == [1, 2, 3]
    np.testing.assert_allclose(exponent(curve[:, None]), exponent(curve[:3, None]))


def test_the_loss_at_the_end_is_the_mean_over_the_last_tenth() -> None:
    losses = np.concatenate([np.full(18, 7.0), [1.0, 3.0]])[:, None]
    assert share_left(np.array([4.0]), losses) == pytest.approx(0.5)


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_the_largest_there_is(end: float) -> None:
    losses = np.array([[1.0], [end]])
    assert share_left(np.array([1.0]), losses) == 1e30
    assert rises(losses) == 1


def test_rises_are_counted_for_each_replica() -> None:
    losses = np.array([[3.0, 1.0], [2.0, 2.0], [2.0, 1.0], [5.0, 2.0]])
    assert rises(losses).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("curve", "count"),
    [
        ([4, 3, 2, 1], 0),
        ([1, 2, 4, 8, 16], 1),  # it only ever rises
        ([3, 1, 3, 1, 3, 1], 2),
        ([3, 1, 1.5, 1, 1.5, 1], 0),  # too small
        ([1, 1.6, 2.2, 1.9, 2.6, 0.5, 0.9, 1.5], 2),  # in small steps, with a dip that is none
        ([2, 1, 2, np.nan, 1, 2], 1),
    ],
)
def test_swings_are_rises_with_a_fall_of_the_same_size_between(
    curve: list[float], count: int
) -> None:
    assert swings(np.array(curve)[:, None], np.array([1.0])).tolist() == [count]
