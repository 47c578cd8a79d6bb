"""What the networks keep."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.keeps import measure
from studies.grad_mode.workloads import Workload, workload


def test_a_perceptron_keeps_its_input_and_two_hidden_layers() -> None:
    work = workload("perceptron", "cpu", 0.1)
    work.net.eval()
    arm = Arm((("grad", "enabled"), ("net", "perceptron")))
    assert measure((Block(0, 1, 2), {"perceptron": work}), arm)["kept"] == 3 * 8 * 64 * 4 / 1024


def test_the_peak_is_what_is_allocated_at_one_time() -> None:
    x = torch.ones(1024)  # 4 KiB

    def forward() -> torch.Tensor:
        return (x + 1).add_(1) * 2

    arm = Arm((("grad", "no_grad"), ("net", "perceptron")))
    cell = Block(0, 1, 2), {"perceptron": Workload(torch.nn.Identity(), forward)}
    assert measure(cell, arm)["peak"] == pytest.approx(8, rel=0.01)
