"""What an operation keeps, by weak references."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from harness.design.factors import Arm, Block
from studies.memory import operations
from studies.memory.operations import EXPERIMENT, OPERATION, measure

BLOCK = Block(0, 1, 2)


def measured(name: str) -> dict[str, Any]:
    return dict(measure(BLOCK, Arm(((OPERATION.name, name),))))


@pytest.mark.parametrize(
    ("name", "saved", "result_kept", "kept"),
    [
        ("exp", 1, 1, 1),
        ("sine", 1, 0, 1),
        ("matrix product", 2, 0, 1),  # its argument, and the weight
        ("multiply by itself", 2, 0, 1),
        ("add a tensor", 0, 0, 0),
        ("transpose", 0, 0, 0),
        ("dropout", 1, 0, 0),  # the mask, which is neither
    ],
)
def test_an_operation_keeps_what_its_derivative_is_made_of(
    name: str, saved: int, result_kept: int, kept: int
) -> None:
    assert measured(name) == {"saved": saved, "result_kept": result_kept, "kept": kept}


def test_every_operation_of_the_design_is_there_and_can_be_derived() -> None:
    assert set(operations.operations("cpu")) == set(OPERATION.levels)
    assert len(EXPERIMENT.arms()) >= 13


def test_a_graph_that_kept_everything_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hoarding(torch.autograd.Function):
        @staticmethod
        def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x + 1

        @staticmethod
        def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
            return gradients[0]

    monkeypatch.setattr(operations, "operations", lambda device: {"exp": Hoarding.apply})
    assert measured("exp") == {"saved": 1, "result_kept": 0, "kept": 1}
