"""What PyTorch says of a wrong mode."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.eval_variance.silence import EXPERIMENT, every_warning, measure


def arm(net: str, batch: int = 32, work: str = "evaluation", mode: str = "wrong") -> Arm:
    levels: dict[str, str | int] = {
        "work": work,
        "mode": mode,
        "net": net,
        "batch": batch,
        "grad": "grad",
    }
    return Arm(tuple(levels.items()))


def test_a_module_that_refuses_is_an_exception_and_not_a_failed_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusing(self: nn.ReLU, x: Tensor) -> Tensor:
        if self.training and len(x) == 1:
            raise ValueError("one row is not enough")
        return x

    monkeypatch.setattr(nn.ReLU, "forward", refusing)
    assert measure(Block(0, 1, 2), arm("plain", batch=1))["exceptions"] == 1
    assert measure(Block(0, 1, 2), arm("plain", batch=2))["exceptions"] == 0
    assert measure(Block(0, 1, 2), arm("plain", batch=1, mode="right"))["exceptions"] == 0


def test_a_module_that_warns_would_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def complaining(self: nn.Dropout, x: Tensor) -> Tensor:
        if self.training:
            warnings.warn("dropout is active", stacklevel=2)
        return x

    monkeypatch.setattr(nn.Dropout, "forward", complaining)
    assert measure(Block(0, 1, 2), arm("dropout"))["warnings"] == 1
    assert measure(Block(0, 1, 2), arm("dropout"))["warnings"] == 1, "each time, not once"
    assert measure(Block(0, 1, 2), arm("dropout", mode="right"))["warnings"] == 0


def test_a_warning_that_pytorch_gives_once_a_process_is_counted_each_time() -> None:
    for _ in range(2):
        with every_warning() as said:
            torch.eye(2).to_sparse_csr()
        assert len(said) == 1
    assert not torch.is_warn_always_enabled()


def test_training_in_the_wrong_mode_is_training_in_eval_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []

    def recorded(self: nn.ReLU, x: Tensor) -> Tensor:
        seen.append(self.training)
        return x

    monkeypatch.setattr(nn.ReLU, "forward", recorded)
    for work, mode in (("training", "wrong"), ("training", "right"), ("evaluation", "wrong")):
        measure(Block(0, 1, 2), arm("plain", work=work, mode=mode))
    assert seen == [False, True, True]


def test_nothing_is_trained_without_gradients() -> None:
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    assert {a["grad"] for a in arms if a["work"] == "training"} == {"grad"}
    assert {a["grad"] for a in arms if a["work"] == "evaluation"} == {"grad", "no_grad"}
