"""The loop that is run on a GPU, on a fake one."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from harness.workloads.networks import tower
from studies.bugs import out_of_memory
from studies.bugs.keeping import ATTACHED, NO_BACKWARD
from studies.bugs.out_of_memory import EXPERIMENT, LIMIT, MIB, STEPS, Cell, measure


class FakeCard:
    """The calls that the experiment makes of ``torch.cuda``; each reading finds more in use."""

    total_memory = 80 * 2**30

    def __init__(self, each: int) -> None:
        self.each, self.used, self.fractions = each, 0, list[float]()

    def empty_cache(self) -> None:
        pass

    def memory_allocated(self) -> int:
        self.used += self.each
        if self.used > LIMIT:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.used

    def get_device_properties(self, device: int) -> FakeCard:
        return self

    def set_per_process_memory_fraction(self, fraction: float) -> None:
        self.fractions.append(fraction)


def measured(monkeypatch: pytest.MonkeyPatch, each: int) -> tuple[dict[str, object], FakeCard]:
    card = FakeCard(each)
    for name in dir(card):
        if not name.startswith("_") and callable(getattr(card, name)):
            monkeypatch.setattr(torch.cuda, name, getattr(card, name))
    batch = torch.ones(2, 3), torch.zeros(2, dtype=torch.long)
    arm = Arm((("form", ATTACHED), ("backward", NO_BACKWARD)))
    return dict(measure(Cell(tower(2, 3), batch), arm)), card


def test_a_card_that_fills_up_ends_the_loop_where_its_growth_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, card = measured(monkeypatch, each=32 * MIB)
    assert found["out_of_memory"] == 1
    assert found["growth"] == 32
    assert found["steps"] == 127, "128 readings fit, the first before the loop"
    assert found["predicted"] == 127
    assert card.fractions == [0.05, 1.0]


def test_a_card_with_room_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = measured(monkeypatch, each=MIB)
    assert (found["out_of_memory"], found["steps"]) == (0, STEPS)


def test_it_is_for_a_gpu_alone_and_tries_both_loops() -> None:
    assert EXPERIMENT.needs == "cuda"
    assert len(EXPERIMENT.arms()) == 4
    graph = (out_of_memory.LAYERS + 1) * out_of_memory.ROWS * out_of_memory.WIDTH * 4
    assert LIMIT / graph < STEPS / 2
