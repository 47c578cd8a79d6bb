"""Epochs to a target."""

from __future__ import annotations

import math

import numpy as np

from studies.advanced_regularisers.smoothing_speed import epochs_to


def test_epochs_are_read_off_straight_lines_between_them() -> None:
    """Reached half way between two epochs; in the first one; at its end; never; and only once."""
    curves = np.array([[0.2, 0.8, 0.5, 0.1], [0.4, 0.9, 0.4, 0.2], [0.6, 0.1, 0.6, 0.3]])
    found = epochs_to(curves, np.array([0.5, 0.4, 0.5, 0.9]))
    assert np.allclose(found[:3], [2.5, 0.5, 1.0])
    assert math.isinf(found[3])
