"""What a pass of a deep perceptron keeps and takes."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.activations import (
    ENCODER,
    EXPERIMENT,
    PERCEPTRON,
    WIDTH,
    measure,
    prepare,
)

MIB = 2**20


@pytest.mark.parametrize("depth", [4, 16])
@pytest.mark.parametrize("rows", [64, 256])
def test_kept_and_peak_are_those_counted_by_hand(depth: int, rows: int) -> None:
    nets = prepare(Block(0, 1, 2))
    one = rows * WIDTH * 4 / MIB  # an activation
    weights = depth * (WIDTH + 1) * WIDTH * 4 / MIB
    for grad, kept, beyond_input in (
        ("enabled", depth - 1, depth),  # each ReLU's output, and the last layer's
        ("no_grad", 0, 2),  # a layer's input and output
        ("inference_mode", 0, 2),
    ):
        found = measure(
            nets, Arm((("grad", grad), ("net", PERCEPTRON), ("depth", depth), ("batch", rows)))
        )
        assert found["kept"] == kept * one
        assert found["peak"] == pytest.approx(weights + (1 + beyond_input) * one, rel=1e-3)


@pytest.mark.parametrize("net", [PERCEPTRON, ENCODER])
def test_a_no_grad_that_did_nothing_would_be_seen(
    net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.grad_mode.activations.grad_mode", lambda _: torch.enable_grad())
    arm = Arm((("grad", "no_grad"), ("net", net), ("depth", 4), ("batch", 64)))
    assert measure(prepare(Block(0, 1, 2)), arm)["kept"] != 0


def test_each_network_has_its_own_sizes() -> None:
    sizes = {(arm.as_dict()["net"], arm.as_dict()["depth"]) for arm in EXPERIMENT.arms()}
    assert sizes == {(PERCEPTRON, 4), (PERCEPTRON, 16), (ENCODER, 4), (ENCODER, 12)}
    assert len(EXPERIMENT.arms()) == 3 * 2 * 4 + 2 * 2 * 3
