"""The regressions on steps, and what the collector and letting go free, with planted keepers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs import kept_memory
from studies.bugs.keeping import (
    ATTACHED,
    KEPT_FIRST,
    LOSSES,
    OUTPUTS,
    RETAINED,
    SUM,
    Keeper,
)
from studies.bugs.kept_memory import (
    READINGS,
    line_through,
    measure,
    prepare,
    resident_memory,
    share_gone,
)

BLOCK = Block(0, 1, 2, effort=40)


def arm(kept: str, backward: str) -> Arm:
    return Arm((("kept", kept), ("form", ATTACHED), ("backward", backward)))


def test_a_line_has_its_slope_and_no_other_shape_passes_for_one() -> None:
    assert line_through(np.linspace(7.0, 154.0, 50)) == pytest.approx((3.0, 1.0))
    assert line_through(np.full(50, 7.0)) == (0.0, 0.0)
    assert line_through(np.arange(50.0) ** 2)[1] < kept_memory.LINE
    assert all(math.isnan(value) for value in line_through(np.full(50, np.nan)))


def test_the_share_of_nothing_is_unknown() -> None:
    assert share_gone(4, 1) == 0.75
    assert math.isnan(share_gone(0, 0))


class Hoarder(Keeper):
    """Keeps 256 KiB a step, whatever it is given."""

    def add(self, output: torch.Tensor, loss: torch.Tensor) -> None:
        """Take memory and touch it."""
        self.held.append(torch.ones(65536))


def test_memory_that_a_step_takes_is_seen_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_memory, "Keeper", Hoarder)
    memory = resident_memory(prepare(BLOCK), arm(OUTPUTS, KEPT_FIRST))
    assert len(memory) == READINGS
    slope, straight = line_through(memory[kept_memory.SETTLING :])
    steps = BLOCK.effort // READINGS
    assert slope / steps == pytest.approx(256 * 2**10, rel=0.1)
    assert straight > 0.99


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's memory is not read."""
    monkeypatch.setattr(kept_memory, "resident_memory", lambda *_: np.arange(READINGS) * 2048.0)


@pytest.mark.usefixtures("quiet")
def test_retained_graphs_are_counted_and_freed_with_the_list() -> None:
    found = measure(prepare(BLOCK), arm(LOSSES, RETAINED))
    assert found["slope"] == pytest.approx(1)
    assert found["graphs"] == 1
    assert (found["released"], found["released_graphs"]) == (1, 1)
    assert found["resident"] == pytest.approx(2 / (BLOCK.effort // READINGS)), "KiB a step"
    assert found["straight"] == pytest.approx(1)


@pytest.mark.usefixtures("quiet")
def test_a_collector_that_frees_graphs_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    keepers: list[Keeper] = []

    def collect() -> None:
        keepers[-1].held.clear()

    class Watched(Keeper):
        def __init__(self, what: str, form: str) -> None:
            super().__init__(what, form)
            keepers.append(self)

    monkeypatch.setattr(kept_memory, "Keeper", Watched)
    monkeypatch.setattr("gc.collect", collect)
    found = measure(prepare(BLOCK), arm(OUTPUTS, RETAINED))
    assert found["collected_graphs"] == BLOCK.effort
    assert float(str(found["collected"])) > 0


def test_the_memory_of_a_sum_is_not_read() -> None:
    found = measure(prepare(BLOCK), arm(SUM, RETAINED))
    assert math.isnan(float(str(found["straight"])))
