"""Changes in place of tensors and views."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.views import measure


def raised(context: str, tensor: str, made: str, target: str, changed: str) -> bool:
    levels = {
        "context": context,
        "tensor": tensor,
        "made": made,
        "target": target,
        "changed": changed,
    }
    return measure(Block(0, 1, 2), Arm(tuple(levels.items())))["raised"] == 1


def test_a_view_of_a_graph_tensor_from_under_no_grad_cannot_be_changed_afterwards() -> None:
    assert raised("no_grad", "result", "outside", "slice", "after")
    assert not raised("enabled", "result", "outside", "slice", "after")
    base = torch.nn.Parameter(torch.ones(4)) * 2
    with torch.no_grad():
        view = base[1:]
    with pytest.raises(RuntimeError, match="created in no_grad mode"):
        view.add_(1)


def test_an_inference_tensor_cannot_be_changed_outside_be_it_a_view_or_not() -> None:
    for target in ("itself", "slice", "unbind"):
        assert raised("inference_mode", "ordinary tensor", "inside", target, "after")
    with torch.inference_mode():
        made = torch.ones(4)
    with pytest.raises(RuntimeError, match="outside InferenceMode"):
        made.add_(1)


def test_inside_inference_mode_a_view_of_an_inference_tensor_can_be_changed() -> None:
    with torch.inference_mode():
        base = torch.ones(4)
        view = base[1:]
        view.add_(1)
        assert base.tolist() == [1, 2, 2, 2]
        assert view.is_inference()


def test_a_context_that_refuses_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(self: torch.Tensor, other: int) -> torch.Tensor:
        raise RuntimeError("no")

    monkeypatch.setattr(torch.Tensor, "add_", refusing)
    assert raised("inference_mode", "ordinary tensor", "inside", "slice", "inside")
