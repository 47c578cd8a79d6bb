"""Outputs with and without gradients."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.outputs import NET, measure
from studies.grad_mode.workloads import Workload, workload

BLOCK = Block(0, 1, 2)


def gaps(name: str, grad: str) -> tuple[float, float]:
    torch.manual_seed(1)
    work = workload(name, "cpu", 0.1)
    work.net.eval()
    found = measure({name: work}, Arm((("grad", grad), ("net", name))))
    gap, read = found["gap"], found["gap_read"]
    assert isinstance(gap, float)
    assert isinstance(read, float)
    return gap, read


def test_the_fused_encoder_gives_zeros_at_padding_and_agrees_elsewhere() -> None:
    torch.manual_seed(1)
    work = workload("encoder, padding mask", "cpu", 0.1)
    work.net.eval()
    with torch.no_grad():
        output = work.forward()
    assert work.real is not None
    assert (output[~work.real] == 0).all()
    assert (output[work.real] != 0).all()
    gap, read = gaps("encoder, padding mask", "no_grad")
    assert read < 1e-6 < gap


def test_without_the_fast_path_the_encoder_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert gaps("encoder", "no_grad")[0] > 0
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        assert gaps("encoder", "no_grad")[0] == 0
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_without_onednn_the_lstm_gives_the_same_bits() -> None:
    with torch.backends.mkldnn.flags(enabled=False):
        assert gaps("LSTM", "no_grad") == (0, 0)


@pytest.mark.parametrize("grad", ["no_grad", "inference_mode"])
def test_a_network_that_asks_whether_gradients_are_enabled_is_found_out(grad: str) -> None:
    nudge = Workload(torch.nn.Identity(), lambda: torch.ones(2) + 1e-3 * torch.is_grad_enabled())
    found = measure({"perceptron": nudge}, Arm((("grad", grad), ("net", "perceptron"))))
    assert found["gap"] == pytest.approx(1e-3 / 1.001, rel=1e-3)


def test_every_net_of_the_design_can_be_built() -> None:
    for name in NET.levels[:7]:
        assert workload(name, "cpu", 0.1).forward().shape[0] == 8
