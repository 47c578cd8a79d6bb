"""What kept outputs hold, against what networks save by hand, and against planted meters."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.design.factors import Arm, Block
from studies.bugs import kept_outputs
from studies.bugs.keeping import ATTACHED, DETACHED, KEPT_FIRST, OUTPUTS, RETAINED, graph_bytes
from studies.bugs.kept_outputs import CONVOLUTIONAL, PERCEPTRON, STEPS, measure, prepare

BLOCK = Block(0, 1, 2)
#: Two hidden layers; then the outputs themselves.
SAVED = 4 * 2 * 64 * 64 / 1024
OUTPUT = 4 * 64 * 10 / 1024


def arm(net: str, form: str, backward: str) -> Arm:
    return Arm((("net", net), ("kept", OUTPUTS), ("form", form), ("backward", backward)))


def test_a_retained_graph_and_its_output_are_what_a_step_adds() -> None:
    found = measure(prepare(BLOCK), arm(PERCEPTRON, ATTACHED, RETAINED))
    assert found["growth"] == 1
    assert found["live_growth"] == SAVED + OUTPUT
    assert found["graphs"] == STEPS


@pytest.mark.parametrize("net", [PERCEPTRON, CONVOLUTIONAL])
def test_growth_is_in_units_of_one_forward_pass(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = prepare(BLOCK)
    one = graph_bytes(cells[net].net, cells[net].batches[0], OUTPUTS)
    planted = SimpleNamespace(
        saved_bytes=[step * one // 4 for step in range(STEPS)],
        live_bytes=[1000 * (step > 0) + 2048 * step for step in range(STEPS)],
        graphs=SimpleNamespace(alive=7),
    )
    monkeypatch.setattr(kept_outputs, "watch", lambda *_: planted)
    found = measure(cells, arm(net, DETACHED, KEPT_FIRST))
    assert found["growth"] == pytest.approx(0.25, rel=1e-3)
    assert (found["live_growth"], found["graphs"]) == (2, 7), "the first step is left out"
