"""What a validation pass leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.eval_variance.state import changes, copy_with_gradients, state_of
from studies.eval_variance.validation_state import NET, WRITING, Cell, measure, network, prepare


@cache
def trained() -> Cell:
    torch.manual_seed(1)
    return prepare(Block(0, 1, 2))


def measured(net: str, mode: str, grad: str = "no_grad") -> Mapping[str, object]:
    return measure(trained(), Arm((("mode", mode), ("net", net), ("grad", grad))))


def test_a_layer_that_writes_to_its_weights_is_seen_in_one_tensor() -> None:
    assert measured(WRITING, "eval")["weights"] == 1


def test_gradients_of_the_last_step_are_there_to_be_compared() -> None:
    copied = copy_with_gradients(trained().nets["both"])
    for mine, original in zip(
        copied.parameters(), trained().nets["both"].parameters(), strict=True
    ):
        assert mine.grad is not None
        assert original.grad is not None
        assert torch.equal(mine.grad, original.grad)
        assert mine.grad is not original.grad


def test_a_changed_tensor_is_counted_among_those_of_its_kind() -> None:
    net = copy_with_gradients(trained().nets["both"])
    before = state_of(net)
    assert changes(before, net) == {"weights": 0, "buffers": 0, "gradients": 0}
    first, second = list(net.parameters())[:2]
    assert first.grad is not None
    first.grad.add_(1)
    second.grad = None
    next(net.buffers()).add_(1)
    assert changes(before, net) == {"weights": 0, "buffers": 1, "gradients": 2}


def test_max_norm_shortens_the_rows_that_are_looked_up_and_no_others() -> None:
    torch.manual_seed(2)
    net = network(WRITING).eval()
    assert isinstance(net, nn.Sequential)
    assert isinstance(net[0], nn.Embedding)
    before = net[0].weight.detach().clone()
    words = torch.arange(8)[None]
    net(words)
    norms = net[0].weight.detach().norm(dim=1)
    assert (norms[:8] <= 1 + 1e-6).all()
    assert torch.equal(net[0].weight[8:], before[8:])


def test_a_weight_that_moves_by_one_bit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def drifting(self: nn.ReLU, x: Tensor) -> Tensor:
        with torch.no_grad():
            bias = net_bias[-1]
            bias[0] = torch.nextafter(bias[0], torch.tensor(torch.inf))
        return x

    net_bias: list[Tensor] = []
    build = nn.Linear.forward

    def remembered(self: nn.Linear, x: Tensor) -> Tensor:
        net_bias.append(self.bias)
        return build(self, x)

    cell = trained()
    monkeypatch.setattr(nn.Linear, "forward", remembered)
    monkeypatch.setattr(nn.ReLU, "forward", drifting)
    found = measure(cell, Arm((("mode", "eval"), ("net", "plain"), ("grad", "no_grad"))))
    assert found["weights"] == 1


def test_arms_share_the_network_and_leave_it_alone() -> None:
    torch.manual_seed(1)
    cell = prepare(Block(0, 1, 2))
    state = [value.clone() for net in cell.nets.values() for value in net.state_dict().values()]
    for net in NET.levels:
        measure(cell, Arm((("mode", "train"), ("net", net), ("grad", "grad"))))
    after = [value for net in cell.nets.values() for value in net.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(after, state, strict=True))
