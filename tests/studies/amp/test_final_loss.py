"""The loss that training ends at."""

from __future__ import annotations

from harness.design.factors import Arm, Block
from studies.amp.final_loss import EXPERIMENT, measure, prepare
from studies.amp.models import MLP
from studies.amp.precision import BF16, BF16_SCALER, FP32, TF32

BLOCK = Block(0, 9, 10, effort=2)


def test_levels_that_are_one_on_a_cpu_end_at_the_same_loss() -> None:
    cell = prepare(BLOCK)
    loss = {
        level: measure(cell, Arm((("net", MLP), ("precision", level))))["loss"]
        for level in (FP32, TF32, BF16, BF16_SCALER)
    }
    assert loss[FP32] == loss[TF32]
    assert loss[BF16] == loss[BF16_SCALER]
    assert loss[FP32] != loss[BF16]


def test_more_epochs_lower_the_loss() -> None:
    arm = Arm((("net", MLP), ("precision", FP32)))
    short, long = (
        measure(prepare(Block(0, 9, 10, effort=epochs)), arm)["loss"] for epochs in (1, 6)
    )
    assert long < short  # type: ignore[operator]  # single numbers


def test_all_levels_and_networks_are_tried_but_float16_convolutions() -> None:
    arms = [tuple(arm.as_dict().values()) for arm in EXPERIMENT.arms()]
    assert len(arms) == 3 * 6 - 2
    assert ("cnn", "fp16") not in arms
