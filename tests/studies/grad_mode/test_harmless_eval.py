"""Train mode against eval mode where nothing is dropped."""

from __future__ import annotations

import torch
from torch import nn

from harness.design.factors import Arm
from studies.grad_mode.harmless_eval import EXPERIMENT, measure
from studies.grad_mode.workloads import Workload, workload


def arm(net: str, grad: str = "no_grad") -> Arm:
    return Arm((("grad", grad), ("net", net)))


def test_with_gradients_enabled_the_encoder_gives_the_same_bits_in_both_modes() -> None:
    work = {"encoder": workload("encoder", "cpu", 0.0)}
    assert measure(work, arm("encoder", "enabled"))["gap"] == 0
    assert measure(work, arm("encoder", "no_grad"))["gap"] != 0


def test_a_module_that_listens_to_the_mode_is_found_out() -> None:
    net = nn.RReLU(0.1, 0.3)
    x = -torch.ones(100)
    found = measure({"perceptron": Workload(net, lambda: net(x))}, arm("perceptron"))
    assert float(str(found["gap"])) > 0.1


def test_inference_mode_is_left_out() -> None:
    assert {arm.as_dict()["grad"] for arm in EXPERIMENT.arms()} == {"no_grad", "enabled"}
