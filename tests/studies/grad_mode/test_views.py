"""Changes in place of tensors and views."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.views import EXPERIMENT, TAKE, measure, partial_make

WHERE = {"tensor": "ordinary tensor", "made": "inside"}


def raised(context: str, target: str, changed: str) -> bool:
    levels = {"context": context, **WHERE, "target": target, "changed": changed}
    return measure(Block(0, 1, 2), Arm(tuple(levels.items())))["raised"] == 1


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[torch.Tensor], bool]], None]:
    """An ``add_`` that refuses some tensors and is a no-op for others."""

    def plant(refused: Callable[[torch.Tensor], bool]) -> None:
        def add(self: torch.Tensor, other: int) -> torch.Tensor:
            if refused(self):
                raise RuntimeError("no")
            return self

        monkeypatch.setattr(torch.Tensor, "add_", add)

    return plant


def test_a_context_that_refuses_views_would_be_seen(
    refusing: Callable[[Callable[[torch.Tensor], bool]], None],
) -> None:
    refusing(lambda tensor: len(tensor) < 4)  # a slice of it
    for context in ("enabled", "no_grad", "inference_mode"):
        assert raised(context, "slice", "inside")
        assert not raised(context, "itself", "inside")


def test_a_refusal_after_the_context_is_told_from_one_inside(
    refusing: Callable[[Callable[[torch.Tensor], bool]], None],
) -> None:
    refusing(lambda _: torch.is_grad_enabled())
    assert raised("no_grad", "slice", "after")
    assert not raised("no_grad", "slice", "inside")


@pytest.mark.parametrize("kind", ["ordinary tensor", "parameter", "result"])
def test_tensors_are_of_their_kind(kind: str) -> None:
    made = partial_make(kind, "cpu")()
    assert made.requires_grad == (kind != "ordinary tensor")
    assert made.is_leaf == (kind != "result")


def test_views_share_the_storage_of_their_tensor() -> None:
    base = torch.zeros(4, 4)
    for name, take in TAKE.items():
        taken = take(base)
        assert taken.untyped_storage().data_ptr() == base.untyped_storage().data_ptr()
        assert taken._is_view() == (name != "itself")


def test_everything_is_tried() -> None:
    assert len(EXPERIMENT.arms()) == 3 * 3 * 2 * 3 * 2
