"""What a gradient scaler changes."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp import grad_scaler
from studies.amp.grad_scaler import measure, train
from studies.amp.models import CNN, MLP
from studies.amp.precision import FP16, FP32

BLOCK = Block(0, 5, 6)


def arm(precision: str, scaler: str, smallness: float) -> Arm:
    return Arm(
        (("precision", precision), ("scaler", scaler), ("loss_times", smallness), ("net", MLP))
    )


def test_gradients_below_float16s_smallest_number_are_lost_without_a_scaler() -> None:
    """A loss times 1e-12 leaves gradients of 1e-13, and float16 ends at 6e-8."""
    assert measure(BLOCK, arm(FP16, "without", 1e-12))["lost"] == 1


@pytest.mark.parametrize(("scale", "changed"), [(1024.0, 0), (1000.0, 1)])
def test_a_scale_that_is_no_power_of_two_is_seen_in_the_last_bits(
    scale: float, changed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32 a power of two moves the exponent alone."""
    scaler = torch.amp.GradScaler

    def planted(device: str, *, enabled: bool) -> torch.amp.GradScaler:
        return scaler(device, init_scale=scale, enabled=enabled)

    monkeypatch.setattr(torch.amp, "GradScaler", planted)
    assert measure(BLOCK, arm(FP32, "with", 1.0))["changed"] == changed


def test_the_size_of_the_loss_leaves_exact_training_where_it_was() -> None:
    usual = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=False)
    small = train(BLOCK, arm(FP32, "without", 1e-4), FP32, scaled=False)
    torch.testing.assert_close(small.weights, usual.weights)
    torch.testing.assert_close(small.gradients, 1e-4 * usual.gradients)


def test_gradients_are_those_of_the_first_weights() -> None:
    trained = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=False, steps=3)
    once = train(BLOCK, arm(FP32, "without", 1.0), FP32, scaled=True, steps=1)
    torch.testing.assert_close(trained.gradients, once.gradients)


def test_the_network_with_convolutions_is_not_trained_in_float16() -> None:
    arms = grad_scaler.EXPERIMENT.arms()
    assert any(a.as_dict()["net"] == CNN for a in arms)
    assert not any(a.as_dict()["net"] == CNN and a.as_dict()["precision"] == FP16 for a in arms)
