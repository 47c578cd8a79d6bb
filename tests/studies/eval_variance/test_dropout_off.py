"""Dropout in eval mode: bitwise the input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.eval_variance.dropout_off import DTYPE, bits, measure


def arm(mode: str, variant: str = "Dropout", p: float = 0.5, dtype: str = "float32") -> Arm:
    return Arm((("mode", mode), ("variant", variant), ("p", p), ("dtype", dtype)))


def test_bits_tell_zeros_apart_and_find_nan_equal_to_itself() -> None:
    x = torch.tensor([0.0, float("nan")])
    y = torch.tensor([-0.0, float("nan")])
    assert (bits(x) == bits(y)).tolist() == [False, True]


@pytest.mark.parametrize("dtype", DTYPE.levels)
def test_a_layer_that_is_the_identity_changes_nothing_and_one_that_is_not_everything(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: x.clone())
    assert measure(Block(0, 1, 2), arm("train", dtype=dtype)) == {"changed": 0.0}
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: torch.full_like(x, 7.0))
    assert measure(Block(0, 1, 2), arm("train", dtype=dtype)) == {"changed": 8 * 512}


def test_adding_zero_in_eval_mode_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: x + 0.0)
    assert measure(Block(0, 1, 2), arm("eval")) == {"changed": 1.0}, "-0.0 + 0.0 is 0.0"
