"""Loops with zero_grad in two places, with an optimiser whose arithmetic is known."""

from __future__ import annotations

from functools import partial

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.loop import OPTIMISERS
from studies.bugs.same_as_momentum import prepare_digits
from studies.step_anatomy.zero_first import FIFTH, FIRST, LEFT, NEVER, NONE, measure
from tests.studies.bugs.plain_sgd import PlainSGD

BLOCKS = (Block(0, 1, 3, effort=12), Block(1, 2, 3, effort=12))


class WithRate(PlainSGD):
    """The plain optimiser, with a rate that a scheduler finds."""

    def __init__(self, parameters: object, lr: float, momentum: float) -> None:
        super().__init__(parameters, lr=lr, momentum=momentum)  # type: ignore[arg-type]
        for group in self.param_groups:
            group["lr"] = lr


def found(position: str, start: str, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    monkeypatch.setitem(OPTIMISERS, "plain", partial(WithRate, momentum=0.5))
    arm = Arm((("position", position), ("optimiser", "plain"), ("start", start)))
    return [block["apart"] for block in measure(prepare_digits(BLOCKS), arm)]


@pytest.mark.parametrize("position", [FIFTH, FIRST])
def test_steps_that_see_the_same_gradient_leave_the_same_weights(
    position: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(position, NONE, monkeypatch) == [0, 0]


def test_never_zeroing_differs_from_the_second_iteration_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found(NEVER, NONE, monkeypatch) == [11, 11]


def test_gradients_from_before_reach_the_first_step_where_zeroing_comes_fifth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found(FIFTH, LEFT, monkeypatch) == [12, 12]
    assert found(FIRST, LEFT, monkeypatch) == [0, 0]
