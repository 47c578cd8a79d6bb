"""Train mode against eval mode where nothing is dropped."""

from __future__ import annotations

import torch
from torch import nn

from harness.design.factors import Arm
from studies.grad_mode.harmless_eval import EXPERIMENT, measure
from studies.grad_mode.workloads import Workload


def measured(net: nn.Module, x: torch.Tensor) -> dict[str, object]:
    work = Workload(net, lambda: net(x))
    return dict(measure({"perceptron": work}, Arm((("grad", "no_grad"), ("net", "perceptron")))))


def test_a_module_that_listens_to_the_mode_is_found_out() -> None:
    found = measured(nn.RReLU(0.1, 0.3), -torch.ones(10, 10))
    assert float(str(found["gap_read"])) > 0.1
    assert found["same_bits"] == 0


def test_a_module_that_does_not_listen_has_no_gap() -> None:
    found = measured(nn.Identity(), torch.eye(3))
    assert found == {"gap": 0, "gap_read": 0, "predictions_changed": 0, "same_bits": 1}


def test_inference_mode_is_left_out() -> None:
    assert {arm.as_dict()["grad"] for arm in EXPERIMENT.arms()} == {"no_grad", "enabled"}
