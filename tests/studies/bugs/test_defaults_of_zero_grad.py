"""What zero_grad leaves behind."""

from __future__ import annotations

import inspect

import torch

from harness.design.factors import Arm, Block
from studies.bugs.defaults_of_zero_grad import BARE, NONE, ZEROS, measure


def found(call: str) -> dict[str, object]:
    return dict(measure(Block(0, 1, 2), Arm((("of", "Adam"), ("call", call)))))


def test_what_is_asked_for_is_left_and_the_default_is_that_of_the_signature() -> None:
    nothing, zeros = {"zeros": 0, "none": 1}, {"zeros": 1, "none": 0}
    assert found(NONE) == nothing
    assert found(ZEROS) == zeros
    signature = inspect.signature(torch.optim.Optimizer.zero_grad)
    default = signature.parameters["set_to_none"].default
    assert found(BARE) == (nothing if default else zeros)
