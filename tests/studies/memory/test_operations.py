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


@pytest.mark.parametrize("keep_argument", [True, False])
@pytest.mark.parametrize("keep_result", [True, False])
def test_what_an_operation_keeps_is_seen(
    keep_argument: bool, keep_result: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
            result = x + 1
            kept = [x] * keep_argument + [result] * keep_result
            ctx.save_for_backward(*kept)
            return result

        @staticmethod
        def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
            return gradients[0]

    monkeypatch.setattr(operations, "operations", lambda device: {"exp": Planted.apply})
    assert measured("exp") == {
        "saved": keep_argument + keep_result,
        "result_kept": keep_result,
        "kept": keep_argument or keep_result,
    }


def test_a_tensor_of_its_own_that_an_operation_keeps_counts_as_saved_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As dropout's mask does."""

    class Masking(torch.autograd.Function):
        @staticmethod
        def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
            ctx.save_for_backward(torch.ones_like(x))
            return x + 1

        @staticmethod
        def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
            return gradients[0]

    monkeypatch.setattr(operations, "operations", lambda device: {"dropout": Masking.apply})
    assert measured("dropout") == {"saved": 1, "result_kept": 0, "kept": 0}


def test_every_operation_of_the_design_is_there_and_can_be_derived() -> None:
    assert set(operations.operations("cpu")) == set(OPERATION.levels)
    assert len(EXPERIMENT.arms()) >= 13
