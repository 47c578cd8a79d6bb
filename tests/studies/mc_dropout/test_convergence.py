"""Convergence: the error of a variance is what theory says of known outputs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from studies.mc_dropout.convergence import first_within, grouped_variances, relative_errors, settled
from studies.mc_dropout.levels import SIZES

STREAM = np.random.default_rng(6)


def test_variances_of_groups_are_those_of_a_loop() -> None:
    values = STREAM.normal(size=(25, 3))
    found = grouped_variances(values, 10)
    expected = [values[start : start + 10].var(axis=0, ddof=1) for start in (0, 10)]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("draw", "kurtosis"), [(STREAM.normal, 3.0), (STREAM.uniform, 1.8)])
def test_the_median_error_is_that_of_the_outputs_kurtosis(
    draw: Callable[..., NDArray[np.float64]], kurtosis: float
) -> None:
    values = draw(size=(6000, 200))
    sizes = (40, 100)
    for size, errors in zip(sizes, relative_errors(values, sizes), strict=True):
        assert errors.shape == (6000 // size, 200)
        sd = math.sqrt((kurtosis - (size - 3) / (size - 1)) / size)
        assert np.median(errors) == pytest.approx(0.6745 * sd, rel=0.05)


def test_errors_do_not_shrink_where_a_group_is_a_large_part_of_all_passes() -> None:
    values = STREAM.normal(size=(400, 4000))
    (errors,) = relative_errors(values, (200,))
    assert np.median(errors) == pytest.approx(0.6745 * math.sqrt(2 / 199), rel=0.05)


def test_a_curve_is_read_off_between_the_sizes_tried() -> None:
    sizes = (10, 20, 40, 80)
    errors = np.sqrt(2 / np.array(sizes))
    assert first_within(errors, sizes, 0.25) == pytest.approx(32)
    assert first_within(errors, sizes, 0.9) == 10
    assert first_within(errors, sizes, 0.01) == 80


def test_normal_outputs_need_what_theory_says_and_averages_fewer() -> None:
    """24 in theory, 92 and 41 for tolerances of 10 and 15 %."""
    found = settled(STREAM.normal(size=(2000, 60, 10)), SIZES)
    assert found["needed"] == pytest.approx(24, rel=0.08)
    assert found["needed_10"] == pytest.approx(92, rel=0.08)
    assert found["needed_15"] == pytest.approx(41, rel=0.08)
    assert float(found["needed_classes"]) < 15  # type: ignore[arg-type]
    assert found["needed_rows"] == 10


def test_what_never_varies_is_not_off() -> None:
    (errors,) = relative_errors(np.ones((40, 2)), (10,))
    assert errors.tolist() == [[0, 0]] * 4
