"""The loss that training ends at."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.amp.final_loss import EXPERIMENT, measure, prepare
from studies.amp.models import CNN, MLP, NETS
from studies.amp.precision import BF16, FP16, FP32, LEVELS

BLOCK = Block(0, 9, 10, effort=2)


def arm(precision: str, net: str = MLP) -> Arm:
    return Arm((("net", net), ("precision", precision)))


def test_equal_arms_end_at_the_same_loss_and_other_types_elsewhere() -> None:
    cell = prepare(BLOCK)
    once, again, half = (measure(cell, arm(level))["loss"] for level in (FP32, FP32, BF16))
    assert once == again
    assert once != half


def test_more_epochs_lower_the_loss() -> None:
    short, long = (
        measure(prepare(Block(0, 9, 10, effort=epochs)), arm(FP32))["loss"] for epochs in (1, 6)
    )
    assert long < short  # type: ignore[operator]  # single numbers


@pytest.mark.parametrize("net", NETS)
def test_float16_convolutions_alone_are_left_out(net: str) -> None:
    there = {a.as_dict()["precision"] for a in EXPERIMENT.arms() if a.as_dict()["net"] == net}
    left_out = {level for level in LEVELS if level.startswith(FP16)} if net == CNN else set()
    assert there == set(LEVELS) - left_out
