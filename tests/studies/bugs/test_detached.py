"""What is seen of detached tensors."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.detached import COLUMN, LOGITS, measure, prepare


def measured(name: str) -> dict[str, object]:
    return dict(measure(prepare(Block(0, 1, 2)), Arm((("tensor", name),))))


def test_a_column_holds_the_storage_of_all_four() -> None:
    assert measured(COLUMN)["held"] == 4
    assert measured(LOGITS)["held"] == 1


def test_a_backward_pass_that_raises_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_it(*_: object) -> None:
        raise RuntimeError("overwritten")

    for grad, refused in ((raise_it, 1), (lambda *_: None, 0)):
        monkeypatch.setattr(torch.autograd, "grad", grad)
        assert measured(LOGITS)["refused"] == refused


def test_a_copy_would_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "detach", lambda tensor: tensor.data.clone())
    found = measured(LOGITS)
    assert (found["shares_data"], found["writes_through"]) == (0, 0)


def test_a_tensor_that_is_not_cut_would_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "detach", lambda tensor: tensor.view_as(tensor))
    found = measured(LOGITS)
    assert (found["cut"], found["graphs_left"]) == (0, 1)
