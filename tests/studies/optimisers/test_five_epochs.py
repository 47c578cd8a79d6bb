"""A curve of five epochs."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.five_epochs import measure, rise_of_fall


def test_a_rise_counts_against_the_whole_fall() -> None:
    assert rise_of_fall([4.0, 2.0, 3.0, 2.0]) == 0.5
    assert rise_of_fall([4.0, 3.0, 2.0]) == 0
    assert rise_of_fall([1.0, 1.0, 2.0]) == 1


def test_five_epochs_are_read_from_one_curve() -> None:
    (found,) = measure((Block(0, 3, 3),), Arm((("task", SPIRAL_RELU), ("turns", 0.75))))
    losses = found["train_loss"]
    assert isinstance(losses, list)
    assert len(losses) == 5
    assert found["first_loss"] == losses[0]
    assert found["last_over_first"] == pytest.approx(losses[-1] / losses[0])
