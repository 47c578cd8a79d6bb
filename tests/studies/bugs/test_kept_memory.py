"""The regression of what is kept, and what the collector and letting go free."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from studies.bugs import kept_memory
from studies.bugs.keeping import ATTACHED, DETACHED, KEPT_FIRST, LOSSES, NO_BACKWARD, OUTPUTS
from studies.bugs.kept_memory import line_through, measure, prepare, share_gone

BLOCK = Block(0, 1, 2, effort=30)


def arm(kept: str, form: str, backward: str) -> Arm:
    return Arm((("kept", kept), ("form", form), ("backward", backward)))


def test_a_line_has_its_slope_and_no_other_shape_passes_for_one() -> None:
    assert line_through(np.linspace(7.0, 154.0, 50)) == pytest.approx((3.0, 1.0))
    assert line_through(np.full(50, 7.0)) == (0.0, 0.0)
    assert line_through(np.arange(50.0) ** 2)[1] < kept_memory.LINE


def test_the_share_of_nothing_is_unknown() -> None:
    assert share_gone(4, 1) == 0.75
    assert math.isnan(share_gone(0, 0))


def test_each_step_of_an_evaluation_leaves_a_graph_until_the_list_is_emptied() -> None:
    found = measure(prepare(BLOCK), arm(LOSSES, ATTACHED, NO_BACKWARD))
    assert found["slope"] == pytest.approx(1)
    assert found["straight"] == pytest.approx(1)
    assert (found["graphs"], found["collected"], found["collected_graphs"]) == (1, 0, 0)
    assert (found["released"], found["released_graphs"]) == (1, 1)


def test_after_backward_passes_the_graphs_are_empty() -> None:
    found = measure(prepare(BLOCK), arm(LOSSES, ATTACHED, KEPT_FIRST))
    assert (found["slope"], found["straight"], found["graphs"]) == (0, 0, 1)


def test_detached_outputs_hold_none() -> None:
    found = measure(prepare(BLOCK), arm(OUTPUTS, DETACHED, NO_BACKWARD))
    assert (found["graphs"], found["slope"]) == (0, 0)
