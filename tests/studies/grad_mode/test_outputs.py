"""Outputs with and without gradients."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from studies.grad_mode.outputs import NETS, measure
from studies.grad_mode.workloads import Workload, workload


@pytest.mark.parametrize("grad", ["no_grad", "inference_mode"])
def test_a_network_that_asks_whether_gradients_are_enabled_is_found_out(grad: str) -> None:
    nudge = Workload(torch.nn.Identity(), lambda: torch.ones(2) + 1e-3 * torch.is_grad_enabled())
    found = measure({"perceptron": nudge}, Arm((("grad", grad), ("net", "perceptron"))))
    assert found["gap"] == found["gap_read"] == pytest.approx(1e-3 / 1.001, rel=1e-3)


def test_a_network_that_treats_padding_otherwise_is_found_out_there_alone() -> None:
    real = torch.tensor([True, False])

    def forward() -> torch.Tensor:
        output = torch.eye(2)
        return output if torch.is_grad_enabled() else output * real[:, None]

    works = {"perceptron": Workload(torch.nn.Identity(), forward, real)}
    found = measure(works, Arm((("grad", "no_grad"), ("net", "perceptron"))))
    assert found == {"gap": 1, "gap_read": 0, "predictions_changed": 0, "same_bits": 1}


def test_every_net_of_the_design_can_be_built() -> None:
    for name in NETS[:7]:
        assert workload(name, "cpu", 0.1).forward().shape[0] == 8


def test_padding_is_where_a_padded_workload_says() -> None:
    work = workload("encoder, padding mask", "cpu", 0.0)
    assert work.real is not None
    assert work.real.sum(1).tolist() == [4, 6, 7, 9, 11, 13, 14, 16]
