"""What a gradient scaler changes."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp import grad_scaler
from studies.amp.grad_scaler import measure, train
from studies.amp.models import MLP
from studies.amp.precision import BF16, FP16, FP32

BLOCK = Block(0, 5, 6)


def arm(precision: str, scaler: str, smallness: float) -> Arm:
    return Arm(
        (("precision", precision), ("scaler", scaler), ("loss_times", smallness), ("net", MLP))
    )


def test_small_gradients_vanish_in_float16_and_come_back_with_the_scaler() -> None:
    lost = {
        scaler: measure(BLOCK, arm(FP16, scaler, 1e-6))["lost"] for scaler in ("without", "with")
    }
    assert lost["without"] > 0.9  # type: ignore[operator]  # a single number
    assert lost["with"] < 0.01  # type: ignore[operator]  # a single number


@pytest.mark.parametrize("smallness", [1.0, 1e-6])
def test_a_scale_changes_no_bit_in_bfloat16(smallness: float) -> None:
    assert measure(BLOCK, arm(BF16, "with", smallness))["changed"] == 0


def test_a_scale_that_is_no_power_of_two_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = torch.amp.GradScaler

    def odd(device: str, *, enabled: bool) -> torch.amp.GradScaler:
        return scaler(device, init_scale=1000.0, enabled=enabled)

    monkeypatch.setattr(torch.amp, "GradScaler", odd)
    assert measure(BLOCK, arm(BF16, "with", 1.0))["changed"] == 1


def test_the_size_of_the_loss_leaves_exact_training_where_it_was() -> None:
    usual = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=False)
    small = train(BLOCK, arm(FP32, "without", 1e-4), FP32, scaled=False)
    torch.testing.assert_close(small.weights, usual.weights)
    torch.testing.assert_close(small.gradients, 1e-4 * usual.gradients)


def test_gradients_are_those_of_the_first_weights() -> None:
    trained = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=False, steps=3)
    once = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=True, steps=1)
    assert torch.equal(trained.gradients, once.gradients)


def test_the_network_with_convolutions_is_not_trained_in_float16() -> None:
    arms = grad_scaler.EXPERIMENT.arms()
    assert not any(a.as_dict()["net"] == "cnn" and a.as_dict()["precision"] == FP16 for a in arms)
