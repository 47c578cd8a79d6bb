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


def seen(cell: Cell, net: str, passes: int, batches: str = "shuffled") -> dict[str, Any]:
    torch.manual_seed(0)
    levels = (("net", net), ("passes", passes), ("batches", batches))
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


def test_dropout_has_no_memory() -> None:
    result = seen(one_batch_cell(nn.Dropout(0.5)), "dropout", passes=20)
    assert result["output_change"] == result["accuracy_change"] == result["repeat_change"] == 0
    assert result["bouncing"] > 0


def test_measuring_leaves_the_cell_as_it_was() -> None:
    model = nn.BatchNorm1d(6)
    seen(one_batch_cell(model), "batch norm", passes=5)
    assert int(model.get_buffer("num_batches_tracked")) == 0
