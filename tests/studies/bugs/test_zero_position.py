"""Loops that zero gradients in different places, with an optimiser whose arithmetic is known."""

from __future__ import annotations

from functools import partial

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.loop import OPTIMISERS
from studies.bugs.same_as_momentum import prepare_digits
from studies.bugs.zero_position import BETWEEN, FIRST, LAST, measure
from tests.studies.bugs.plain_sgd import PlainSGD

BLOCKS = (Block(0, 1, 3, effort=20), Block(1, 2, 3, effort=20))


def found(zero: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.setitem(OPTIMISERS, "plain", partial(PlainSGD, momentum=0.5))
    arm = Arm((("zero", zero), ("optimiser", "plain")))
    return [dict(block) for block in measure(prepare_digits(BLOCKS), arm)]


@pytest.mark.parametrize("zero", [FIRST, BETWEEN, LAST])
def test_steps_that_see_the_same_gradient_leave_the_same_weights(
    zero: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in found(zero, monkeypatch):
        assert block["apart"] == 0
        assert 0 < float(str(block["loss_left"])) < 1


def test_never_zeroing_differs_from_the_second_step_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [block["apart"] for block in found("never", monkeypatch)] == [19, 19]
