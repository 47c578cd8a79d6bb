"""What is told of a deep network."""

from __future__ import annotations

import numpy as np
import pytest

from studies.batchnorm.depth import responses


def test_extremes_mean_and_depth_are_read_off_the_layers() -> None:
    told = responses(np.array([0.9, 0.8, 0.6, 0.4]), accuracy=50.0)
    assert told["highest_ratio"] == 0.9
    assert told["lowest_ratio"] == 0.4
    assert told["mean_ratio"] == pytest.approx(0.675)
    assert told["deepest_over_second"] == pytest.approx(0.5)
