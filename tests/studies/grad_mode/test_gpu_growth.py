"""The loop that is run on a GPU, on a fake one."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from studies.grad_mode import gpu_growth
from studies.grad_mode.eval_growth import LISTED
from studies.grad_mode.gpu_growth import Cell, evaluate, measure

#: Of a linear layer and a loss of 2 rows of 4 numbers: the output, for the loss.
GRAPH = 2 * 4 * 4


class FakeCard:
    """The calls that the experiment makes of ``torch.cuda``; memory is what tensors are alive."""

    total_memory = 80 * 2**30

    def __init__(self, each: int, limit: int) -> None:
        self.each, self.limit, self.used, self.fractions = each, limit, 0, list[float]()

    def empty_cache(self) -> None:
        pass

    def memory_allocated(self) -> int:
        self.used += self.each
        if self.used > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.used

    def get_device_properties(self, device: int) -> FakeCard:
        return self

    def set_per_process_memory_fraction(self, fraction: float) -> None:
        self.fractions.append(fraction)


def measured(monkeypatch: pytest.MonkeyPatch, each: int) -> tuple[dict[str, object], FakeCard]:
    card = FakeCard(each, limit=8 * 2**30)
    for name in dir(card):
        if not name.startswith("_") and callable(getattr(card, name)):
            monkeypatch.setattr(torch.cuda, name, getattr(card, name))
    net = torch.nn.Linear(4, 4)
    cell = Cell(net, torch.ones(2, 4), torch.ones(2, 4), batches=100)
    return dict(measure(cell, Arm((("kept", LISTED),)))), card


def test_a_card_that_fills_up_ends_the_loop_and_the_limit_is_lifted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, card = measured(monkeypatch, each=2**29)
    assert found["out_of_memory"] == 1
    assert found["growth"] == 512
    assert found["graphs"] == 2**29 / GRAPH
    assert found["batches"] == 13, "16 readings fit, two of them for warm-up and one at the start"
    assert card.fractions == [0.1, 1.0]


def test_a_card_that_does_not_fill_up_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = measured(monkeypatch, each=0)
    assert found == {"out_of_memory": 0, "batches": 100, "growth": 0, "graphs": 0}


def test_the_loop_returns_the_summed_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 0)
    net = torch.nn.Identity()
    cell = Cell(net, torch.ones(2, 3), torch.zeros(2, 3), batches=5)
    assert evaluate(cell, LISTED, [], 5) == 5 * 2


def test_it_is_for_a_gpu_alone() -> None:
    assert gpu_growth.EXPERIMENT.needs == "cuda"
