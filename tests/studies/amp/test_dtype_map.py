"""How types of operations are looked at; which ones autocast chooses is for the study to say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
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
    types_of_operations,
)

BLOCK = Block(0, 1, 2)


def arm(operation: str, inputs: str = "float32", kind: str = "bfloat16") -> Arm:
    return Arm((("operation", operation), ("inputs", inputs), ("type", kind)))


@pytest.mark.parametrize(("gives", "as_listed"), [(torch.bfloat16, 1), (torch.float32, 0)])
def test_a_type_is_compared_with_that_of_the_list(
    gives: torch.dtype, as_listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product is listed under 16 bits; here autocast is planted, and so is what comes out."""
    inside: list[bool] = []

    @contextmanager
    def planted(device: str, *, dtype: torch.dtype) -> Iterator[None]:
        inside.append(True)
        yield
        inside.append(False)

    monkeypatch.setattr(torch, "autocast", planted)
    monkeypatch.setattr(
        dtype_map,
        "call",
        lambda name, inputs: torch.ones(1, dtype=gives if inside[-1] else torch.float32),
    )
    found = measure(BLOCK, arm("matmul"))
    assert found == {
        "bits": gives.itemsize * 8,
        "as_listed": as_listed,
        "float32_without": 1,
    }


def test_every_operation_of_the_list_can_be_called_and_autocast_is_left_off() -> None:
    for name, operation in OPERATIONS.items():
        torch.manual_seed(1)
        assert call(name, draw(operation, "float32", torch.bfloat16, "cpu")).isfinite().all(), name
    assert not torch.is_autocast_enabled("cpu")


def test_one_of_each_type_is_given_to_operations_of_two_tensors_alone() -> None:
    mixed = [a for a in EXPERIMENT.arms() if a.as_dict()["inputs"] == "one of each"]
    names = {str(a.as_dict()["operation"]) for a in mixed}
    assert names == {name for name, each in OPERATIONS.items() if len(each.shapes) > 1}


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


def test_the_figure_counts_what_is_planted_and_survives_a_failed_arm() -> None:
    """Products are lowered, the softmax is lifted, all else follows its inputs."""

    def bits(name: str, inputs: str) -> float:
        fixed = {"matmul": 16.0, "softmax": 32.0, "relu": float("nan")}
        return fixed.get(name, 16.0 if inputs == "16 bits" else 32.0)

    rows = [
        {"block": 0, **a.as_dict(), "response": "bits", "value": bits(*map(str, levels[:2]))}
        for a in EXPERIMENT.arms()
        if (levels := tuple(a.as_dict().values()))
    ]
    with slide_style():
        figure = types_of_operations(pd.DataFrame(rows))
    assert "lowers 1 to 16 bits, lifts 1" in figure.get_suptitle()
    assert sum(t.get_text() == "failed" for axes in figure.axes for t in axes.texts) == 2
