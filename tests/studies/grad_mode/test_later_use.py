"""Outputs of an evaluation that are trained on."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.later_use import (
    CLONED,
    LAYER_INPUT,
    USES,
    evaluated,
    gradient,
    measure,
    prepare,
)


def raised(output: str, use: str) -> bool:
    torch.manual_seed(0)
    found = measure(prepare(Block(0, 1, 2)), Arm((("output", output), ("use", use))))
    assert found["wrong_gradient"] == 0
    return found["raised"] == 1


def test_what_is_saved_for_backward_may_not_come_from_inference_mode() -> None:
    refused = {use for use in USES if raised("inference_mode", use)}
    assert LAYER_INPUT in refused
    assert "term of a sum" not in refused, "a sum saves nothing"
    assert not any(raised(CLONED, use) for use in USES)


def test_the_refusal_is_that_of_an_inference_tensor() -> None:
    cell = prepare(Block(0, 1, 2))
    output = evaluated(cell, "inference_mode")
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        gradient(USES[LAYER_INPUT], output, cell.weight)


def test_the_gradient_of_a_layer_on_a_detached_output_is_the_one_by_hand() -> None:
    cell = prepare(Block(0, 1, 2))
    output = evaluated(cell, "detached")
    found = gradient(USES[LAYER_INPUT], output, cell.weight)
    torch.testing.assert_close(found, output.sum(0).expand(4, 4))
