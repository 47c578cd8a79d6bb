"""The loop that is run on a GPU, on a fake one."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from harness.workloads.networks import tower
from studies.bugs import out_of_memory
from studies.bugs.keeping import KEPT_FIRST, NO_BACKWARD
from studies.bugs.out_of_memory import (
    KEPT_GRAPHS,
    KEPT_NUMBERS,
    MIB,
    Cell,
    measure,
)

ROOM = 4096 * MIB


class FakeCard:
    """The calls that the experiment makes of ``torch.cuda``; each reading finds more in use."""

    def __init__(self, each: int, later: int | None = None) -> None:
        self.each, self.used, self.readings = each, 0, 0
        self.later = each if later is None else later

    def empty_cache(self) -> None:
        pass

    def mem_get_info(self) -> tuple[int, int]:
        return ROOM, 80 * 2**30

    def memory_allocated(self) -> int:
        if self.readings:
            self.used += self.each if self.readings <= 40 else self.later
        self.readings += 1
        if self.used > ROOM:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.used


def measured(
    monkeypatch: pytest.MonkeyPatch,
    card: FakeCard,
    kept: str = KEPT_GRAPHS,
    backward: str = NO_BACKWARD,
) -> dict[str, object]:
    for name in ("empty_cache", "mem_get_info", "memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, getattr(card, name))
    batch = torch.ones(2, 3), torch.zeros(2, dtype=torch.long)
    arm = Arm((("kept", kept), ("backward", backward)))
    return dict(measure(Cell(tower(2, 3), batch), arm))


def test_a_card_that_fills_up_ends_the_loop_where_its_growth_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = measured(monkeypatch, FakeCard(each=32 * MIB))
    assert found["out_of_memory"] == 1
    assert found["growth"] == 32
    assert found["steps"] == found["predicted"] == 128
    assert found["off_prediction"] == 1


def test_a_card_that_fills_up_faster_than_it_began_is_off_the_prediction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = measured(monkeypatch, FakeCard(each=32 * MIB, later=64 * MIB))
    assert found["predicted"] == 128
    assert found["steps"] == 84, "40 of 32 MiB, then 44 of 64"
    assert found["off_prediction"] == 84 / 128


def test_a_card_with_room_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out_of_memory, "STEPS", 30)
    monkeypatch.setattr(out_of_memory, "CONTROL_STEPS", 25)
    found = measured(monkeypatch, FakeCard(each=MIB), backward=KEPT_FIRST)
    assert (found["out_of_memory"], found["steps"]) == (0, 30)
    numbers = measured(monkeypatch, FakeCard(each=0), kept=KEPT_NUMBERS)
    assert (numbers["out_of_memory"], numbers["steps"]) == (0, 25)
