"""The types that autocast chooses."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp import dtype_map
from studies.amp.dtype_map import (
    ALONE,
    EXPERIMENT,
    FULL,
    HALF,
    OPERATIONS,
    WIDEST,
    Operation,
    call,
    draw,
    listed,
    measure,
)

BLOCK = Block(0, 1, 2)


def arm(operation: str, inputs: str = "float32", kind: str = "bfloat16") -> Arm:
    return Arm((("operation", operation), ("inputs", inputs), ("type", kind)))


def test_thirty_operations_are_looked_at_and_no_setting_outlives_them() -> None:
    assert len(OPERATIONS) == 30
    for each in EXPERIMENT.arms():
        assert measure(BLOCK, each)["as_listed"] == 1
    assert not torch.is_autocast_enabled("cpu")


def test_products_are_lowered_losses_are_lifted_and_sums_left_alone() -> None:
    assert measure(BLOCK, arm("matmul"))["bits"] == 16
    assert measure(BLOCK, arm("mse_loss", "16 bits"))["bits"] == 32
    assert [measure(BLOCK, arm("sum", x))["bits"] for x in ("float32", "16 bits")] == [32, 16]


def test_an_operation_that_does_not_follow_its_list_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = OPERATIONS["matmul"].shapes
    monkeypatch.setitem(dtype_map.OPERATIONS, "matmul", Operation(shapes, FULL, FULL))
    assert measure(BLOCK, arm("matmul"))["as_listed"] == 0


@pytest.mark.parametrize("under", [HALF, FULL, WIDEST, ALONE])
@pytest.mark.parametrize("inputs", ["float32", "16 bits", "one of each"])
def test_what_a_list_promises(under: str, inputs: str) -> None:
    operation = Operation(((2,), (2,)), under, HALF)
    drawn = draw(operation, inputs, torch.bfloat16, "cpu")
    expected = {HALF: 16, FULL: 32}.get(under, 16 if inputs == "16 bits" else 32)
    assert listed(operation, "cpu", drawn, torch.bfloat16).itemsize * 8 == expected
    assert listed(operation, "cuda", drawn, torch.bfloat16) == torch.bfloat16


def test_each_operation_is_the_one_it_is_called_after() -> None:
    x = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    assert call("sum", [x]) == 8
    assert call("prod", [x]) == 12
    torch.testing.assert_close(call("cumsum", [x]), torch.tensor([[1.0, 4.0], [2.0, 4.0]]))
    torch.testing.assert_close(call("softmax", [x]).sum(dim=1), torch.ones(2))
    torch.testing.assert_close(call("layer_norm", [x])[0], torch.tensor([-1.0, 1.0]))
    assert call("nll_loss", [x]) == -1.5
