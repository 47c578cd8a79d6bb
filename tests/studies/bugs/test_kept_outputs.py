"""What kept outputs hold, against what a perceptron saves by hand."""

from __future__ import annotations

from harness.design.factors import Arm, Block
from studies.bugs.keeping import ATTACHED, DETACHED, KEPT_FIRST, NO_BACKWARD, OUTPUTS, RETAINED
from studies.bugs.kept_outputs import STEPS, measure, prepare

BLOCK = Block(0, 1, 2)
#: Two hidden layers; then the outputs themselves.
SAVED = 4 * 2 * 64 * 64 / 1024
OUTPUT = 4 * 64 * 10 / 1024


def arm(form: str, backward: str) -> Arm:
    return Arm((("kept", OUTPUTS), ("form", form), ("backward", backward)))


def test_without_a_backward_pass_each_step_adds_its_graph_and_its_output() -> None:
    found = measure(prepare(BLOCK), arm(ATTACHED, NO_BACKWARD))
    assert found["growth"] == SAVED
    assert found["live_growth"] == SAVED + OUTPUT
    assert found["graphs"] == STEPS


def test_after_a_backward_pass_only_outputs_and_empty_graphs_are_left() -> None:
    found = measure(prepare(BLOCK), arm(ATTACHED, KEPT_FIRST))
    assert found["growth"] == 0
    assert found["live_growth"] == OUTPUT
    assert found["graphs"] == STEPS
    assert measure(prepare(BLOCK), arm(ATTACHED, RETAINED))["growth"] == SAVED


def test_detached_outputs_leave_no_graph() -> None:
    found = measure(prepare(BLOCK), arm(DETACHED, NO_BACKWARD))
    assert (found["growth"], found["live_growth"], found["graphs"]) == (0, OUTPUT, 0)
