"""What a validation pass leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.eval_variance.validation_state import NET, Cell, changed, measure, network, prepare


@cache
def trained() -> Cell:
    torch.manual_seed(1)
    return prepare(Block(0, 1, 2))


def measured(net: str, mode: str, grad: str = "no_grad") -> Mapping[str, object]:
    return measure(trained(), Arm((("mode", mode), ("net", net), ("grad", grad))))


def test_batch_norm_in_train_mode_moves_its_mean_variance_and_counter() -> None:
    assert measured("batch norm", "train")["buffers_changed"] == 3
    assert measured("batch norm", "eval")["buffers_changed"] == 0


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_weights_stay_unless_the_layer_writes_to_them(mode: str) -> None:
    for net in NET.levels:
        writes = net == "embedding with max_norm"
        assert measured(net, mode)["parameters_changed"] == float(writes)


def test_max_norm_shortens_the_rows_that_are_looked_up_and_no_others() -> None:
    torch.manual_seed(2)
    net = network("embedding with max_norm").eval()
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
    assert found["parameters_changed"] == 1


def test_arms_share_the_network_and_leave_it_alone() -> None:
    torch.manual_seed(1)
    cell = prepare(Block(0, 1, 2))
    state = [value.clone() for net in cell.nets.values() for value in net.state_dict().values()]
    for net in NET.levels:
        measure(cell, Arm((("mode", "train"), ("net", net), ("grad", "grad"))))
    after = [value for net in cell.nets.values() for value in net.state_dict().values()]
    assert changed(after, state) == 0
