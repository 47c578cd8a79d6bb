"""Outputs of an evaluation that are trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from harness.design.factors import Arm, Block
from studies.grad_mode import later_use
from studies.grad_mode.later_use import LAYER_INPUT, USES, evaluated, gradient, measure, prepare

TARGET = "target of a loss"


def measured(output: str, use: str) -> dict[str, object]:
    torch.manual_seed(0)
    return dict(measure(prepare(Block(0, 1, 2)), Arm((("output", output), ("use", use)))))


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], None]:
    """Outputs that raise at one use each and at no other."""

    def plant(refused: Mapping[str, str]) -> None:
        last: list[str] = []

        def remember(cell: later_use.Cell, how: str) -> Tensor:
            last[:] = [how]
            return evaluated(cell, "detached")

        def planted(use: str) -> Callable[[Tensor, Tensor], Tensor]:
            def refusing(output: Tensor, weight: Tensor) -> Tensor:
                if refused.get(last[0]) == use:
                    raise RuntimeError("no")
                return output * weight

            return refusing

        monkeypatch.setattr(later_use, "evaluated", remember)
        for use in list(USES):
            monkeypatch.setitem(USES, use, planted(use))

    return plant


def test_no_grad_is_safer_at_a_use_that_inference_mode_alone_refuses(
    refuse: Callable[[Mapping[str, str]], None],
) -> None:
    refuse({"inference_mode": LAYER_INPUT})
    assert measured("no_grad", LAYER_INPUT) == {"raised": 0, "wrong_gradient": 0, "safer": 1}
    assert measured("no_grad", TARGET)["safer"] == 0, "both allow it"
    assert measured("inference_mode", LAYER_INPUT) == {
        "raised": 1,
        "wrong_gradient": 0,
        "safer": 0,
    }


def test_no_grad_is_not_safer_where_it_refuses_another_use(
    refuse: Callable[[Mapping[str, str]], None],
) -> None:
    refuse({"inference_mode": LAYER_INPUT, "no_grad": TARGET})
    assert measured("no_grad", LAYER_INPUT)["safer"] == 0
    refuse({"inference_mode": LAYER_INPUT, "no_grad": LAYER_INPUT})
    assert measured("no_grad", LAYER_INPUT) == {"raised": 1, "wrong_gradient": 0, "safer": 0}


def test_a_wrong_gradient_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(cell: later_use.Cell, how: str) -> Tensor:
        return evaluated(cell, "detached") + (how == "no_grad")

    monkeypatch.setattr(later_use, "evaluated", off)
    assert measured("no_grad", LAYER_INPUT)["wrong_gradient"] == 1


def test_the_gradient_of_a_layer_on_a_detached_output_is_the_one_by_hand() -> None:
    cell = prepare(Block(0, 1, 2))
    output = evaluated(cell, "detached")
    found = gradient(USES[LAYER_INPUT], output, cell.weight)
    torch.testing.assert_close(found, output.sum(0).expand(4, 4))
