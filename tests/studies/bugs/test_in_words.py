"""Medians with their intervals, as titles have them."""

from __future__ import annotations

import numpy as np

from studies.bugs.in_words import with_interval


def test_a_median_has_its_interval_where_there_are_enough_blocks() -> None:
    assert with_interval(np.full(20, 3.14), ".1f", " %") == "3.1 % (99 % interval 3.1 to 3.1 %)"
    assert with_interval(np.array([1.0, 3.0]), ".0f") == "2 (too few for an interval)"
