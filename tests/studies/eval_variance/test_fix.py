"""What eval() cannot undo is what the recursion of batch norm's running statistics predicts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from harness.design.factors import Arm
from harness.workloads.datasets import Split
from studies.eval_variance.fix import Cell, measure


def one_batch_cell(model: nn.Module) -> Cell:
    """A validation set of one batch, far from what a fresh batch norm takes for granted."""
    stream = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(50, 6, generator=stream) + 3
    y = torch.randint(0, 6, (50,), generator=stream)
    names = ("dropout", "batch norm", "both")
    return Cell(Split(x, y, x, y, 6), dict.fromkeys(names, model), seed=0)


def seen(
    cell: Cell, net: str, passes: int, batches: str = "shuffled", size: int = 128
) -> dict[str, Any]:
    torch.manual_seed(0)
    levels = (("net", net), ("passes", passes), ("size", size), ("batches", batches))
    return dict(measure(cell, Arm(levels)))


@pytest.mark.parametrize("batches", ["shuffled", "by class"])
@pytest.mark.parametrize("passes", [0, 1, 5, 20])
def test_running_statistics_close_in_by_a_tenth_a_pass(passes: int, batches: str) -> None:
    cell = one_batch_cell(nn.BatchNorm1d(6))
    x = cell.data.val_x.double()
    mean, variance = x.mean(0), x.var(0)
    left = 0.9**passes  # of the distance from the start, which is mean 0 and variance 1
    expected = (x - (1 - left) * mean) / (variance + left * (1 - variance) + 1e-5).sqrt()
    before = x / (1 + 1e-5) ** 0.5
    change = (expected - before).abs().max().item()
    result = seen(cell, "batch norm", passes, batches)
    assert result["output_change"] == pytest.approx(change, abs=1e-5)
    assert result["repeat_change"] == 0


def test_batches_sorted_by_class_hold_one_class_each(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = one_batch_cell(nn.BatchNorm1d(6))
    y = torch.arange(6).repeat(8)  # eight rows of each of six classes, mixed
    data = Split(cell.data.val_x[:48], y, cell.data.val_x[:48], y, 6)
    rows: list[torch.Tensor] = []
    forward = nn.BatchNorm1d.forward

    def recorded(self: nn.BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
        rows.append(x)
        return forward(self, x)

    monkeypatch.setattr(nn.BatchNorm1d, "forward", recorded)
    seen(Cell(data, cell.models, seed=0), "batch norm", passes=1, batches="by class", size=8)
    batches = [batch for batch in rows if len(batch) == 8]
    for number, batch in enumerate(batches):
        assert torch.equal(batch, data.val_x[y == number])
    assert len(batches) == 6


class Counting(nn.Module):
    """Adds the number of the train-mode passes that it has seen."""

    passes: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("passes", torch.tensor(0.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.passes = self.passes + 1
        return x + self.passes


def test_what_a_layer_remembers_of_its_passes_is_what_stays() -> None:
    result = seen(one_batch_cell(Counting()), "dropout", passes=20)
    assert result["output_change"] == pytest.approx(20, abs=1e-5)
    assert result["bouncing"] == pytest.approx(1, abs=1e-5)
    assert result["repeat_change"] == result["accuracy_change"] == 0


def test_a_change_of_accuracy_is_the_accuracy_after_less_that_of_the_copy() -> None:
    class Worse(Counting):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            start = super().forward(torch.zeros(1))
            classes = nn.functional.one_hot(torch.arange(len(x)) % 6, 6).float()
            return classes if start == 0 else classes.roll(1, dims=1)

    x, y = torch.zeros(60, 6), torch.arange(60) % 6
    cell = Cell(Split(x, y, x, y, 6), dict.fromkeys(("dropout", "batch norm", "both"), Worse()), 0)
    assert seen(cell, "dropout", passes=1)["accuracy_change"] == -1


def test_measuring_leaves_the_cell_as_it_was() -> None:
    model = nn.BatchNorm1d(6)
    seen(one_batch_cell(model), "batch norm", passes=5)
    assert int(model.get_buffer("num_batches_tracked")) == 0
