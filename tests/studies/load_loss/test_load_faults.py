"""Each fault does to weights or inputs what its name says, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.experiment import Responses
from harness.design.factors import Arm
from harness.workloads.datasets import load_split
from studies.load_loss.faults import FAULT, inputs_with, load_with, measure
from studies.load_loss.files import changed_tensors
from studies.load_loss.trained import BOTH, Trained, fresh_net

LAST = {"8.weight", "8.bias"}


@pytest.fixture
def net() -> nn.Module:
    """As after training: no tensor is that of a fresh network."""
    torch.manual_seed(0)
    made = fresh_net(BOTH)
    made(torch.randn(32, 64))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.rand_like(parameter), alpha=0.1)
    return made


def kept(fault: str, net: nn.Module) -> set[str]:
    """The names of the tensors that are the network's own after a load with a fault."""
    loaded = load_with(fault, net, fresh_net(BOTH)).state_dict()
    return {name for name, x in net.state_dict().items() if torch.equal(x, loaded[name])}


def test_what_is_loaded(net: nn.Module) -> None:
    every = set(net.state_dict())
    for fault in ("train mode only", "input scale", "permuted inputs"):
        assert kept(fault, net) == every
    assert kept("prefix", net) == set()
    assert every - kept("lost head", net) == LAST
    assert kept("missing buffers", net) == {name for name, _ in net.named_parameters()}
    assert {name for name, _ in net.named_buffers()} == every - kept("missing buffers", net)


def test_half_precision_rounds_every_weight_to_eleven_bits(net: nn.Module) -> None:
    loaded = load_with("half precision", net, fresh_net(BOTH)).state_dict()
    assert changed_tensors(net.state_dict(), loaded) > 0
    for name, x in net.state_dict().items():
        assert loaded[name].dtype == x.dtype
        torch.testing.assert_close(loaded[name], x, rtol=2**-11, atol=1e-7)


def test_the_original_is_left_alone(net: nn.Module) -> None:
    before = {name: x.clone() for name, x in net.state_dict().items()}
    for fault in FAULT.levels:
        load_with(fault, net, fresh_net(BOTH))(torch.randn(8, 64))
    assert changed_tensors(before, net.state_dict()) == 0


def test_inputs_keep_their_pixels_but_for_scale_and_order() -> None:
    x = load_split("digits", 0).val_x
    scaled, permuted = inputs_with("input scale", x, 1), inputs_with("permuted inputs", x, 1)
    assert (scaled.min().item(), scaled.max().item()) == (0, 1)
    torch.testing.assert_close(scaled * 4 - 2, x)
    assert torch.equal(permuted.sort(1).values, x.sort(1).values)
    assert not torch.equal(permuted, x)
    assert torch.equal(inputs_with("prefix", x, 1), x)


def test_only_the_mode_lies_between_a_correct_load_and_the_loss_before_saving(
    net: nn.Module,
) -> None:
    cell = [(Trained(net.train(), load_split("digits", 0), 0.0, 0.0), 1)]

    def measured(fault: str, eval_call: str = "made") -> Responses:
        (found,) = measure(cell, Arm((("fault", fault), ("eval_call", eval_call))))
        return found

    right, wrong = measured("train mode only"), measured("prefix")
    assert right["loss_over_correct"] == 1
    assert wrong["loss_over_correct"] != 1
    for found in (right, wrong):
        before = float(str(found["loss"])) / float(str(found["loss_over_correct"]))
        off = abs(float(str(found["loss"])) - before)
        assert found["off_before"] == pytest.approx(off, abs=1e-6)
    assert measured("train mode only", "not made")["off_before"] != 0
    assert net.training
