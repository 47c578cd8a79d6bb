"""Training steps in eval mode."""

from __future__ import annotations

import torch
from torch import nn

from harness.design.factors import Arm
from studies.grad_mode.train_in_eval import measure
from studies.grad_mode.workloads import Workload

ARM = Arm((("mode", "eval"), ("net", "perceptron")))


def work_of(net: nn.Module) -> dict[str, Workload]:
    x = torch.randn(8, 4)
    return {"perceptron": Workload(net, lambda: net(x))}


def test_a_frozen_layer_would_be_seen() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[0].requires_grad_(False)
    assert measure(work_of(net), ARM) == {"tracked": 1, "moved": 0.5, "raised": 0}


def test_a_backward_pass_that_is_refused_in_eval_mode_would_be_seen() -> None:
    net = nn.Linear(4, 4)

    def refuse(_: torch.Tensor) -> None:
        raise RuntimeError("cudnn RNN backward can only be called in training mode")

    net.register_forward_hook(lambda _net, _x, output: output.register_hook(refuse) and None)
    assert measure(work_of(net), ARM) == {"tracked": 1, "moved": 0, "raised": 1}


def test_the_network_is_put_back() -> None:
    net = nn.Linear(4, 4)
    before = net.weight.clone()
    measure(work_of(net), ARM)
    assert torch.equal(net.weight, before)
    assert net.weight.grad is None
