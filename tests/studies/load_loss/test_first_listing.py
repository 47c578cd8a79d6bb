"""The repaired listing against a plain loop, and the printed one that raises."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.workloads.replicas import Replicas
from studies.load_loss.first_listing import (
    AFTER,
    PRINTED,
    WIDER,
    WITHOUT,
    _after_loading,
    _train,
    build,
    measure,
)

BLOCKS = (Block(0, 4, 0, effort=10), Block(1, 5, 0, effort=10))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def arm(net: str, batch: int, steps: int = 10) -> Arm:
    return Arm((("net", net), ("batch", batch), ("steps", steps)))


@pytest.mark.parametrize("batch", [1, 16])
def test_the_printed_network_raises_with_one_row_and_with_many(batch: int) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        build(PRINTED)(torch.randn(batch, 10))
    for found in measure(BLOCKS, arm(PRINTED, batch)):
        assert found["raised"] == 1
        assert math.isnan(float(str(found["higher"])))


@pytest.mark.parametrize(("net", "batch"), [(WITHOUT, 1), (WIDER, 2), (AFTER, 16)])
def test_every_repair_runs(net: str, batch: int) -> None:
    for found in measure(BLOCKS, arm(net, batch)):
        assert found["raised"] == 0
        assert found["eval_moved"] == found["eval_repeats_differ"] == 0
        assert found["train_moved"] == (net != WITHOUT)


def without_dropout() -> list[nn.Module]:
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(10, 1)) for _ in range(3)]


def test_the_last_loss_is_that_before_the_last_update() -> None:
    torch.manual_seed(1)
    x, y = torch.randn(3, 4, 10), torch.randn(3, 4, 1)
    last = _train(Replicas(without_dropout()), x, y, 10)
    for place, net in enumerate(without_dropout()):
        optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
        printed = []
        for _ in range(10):
            optimiser.zero_grad()
            loss = functional.mse_loss(net(x[place]), y[place])
            loss.backward()
            optimiser.step()
            printed.append(loss.item())
        assert last[place].item() == pytest.approx(printed[-1], rel=1e-4)


def test_without_dropout_the_loaded_loss_is_one_update_better_in_both_modes() -> None:
    torch.manual_seed(1)
    x, y = torch.randn(3, 4, 10), torch.randn(3, 4, 1)
    nets = Replicas(without_dropout())
    last = _train(nets, x, y, 10)
    found = _after_loading(nets, x, y, last)
    assert not any(found[name].any() for name in found)


def test_planted_last_losses_are_compared_as_named() -> None:
    torch.manual_seed(1)
    x, y = torch.randn(3, 4, 10), torch.randn(3, 4, 1)
    nets = Replicas(without_dropout())
    loss = nets.each(functional.mse_loss, nets(x), y).detach()
    found = _after_loading(nets, x, y, loss * torch.tensor([0.5, 0.9, 1.1]))
    assert found["higher"].tolist() == [True, True, False]
    assert found["much_higher"].tolist() == [True, False, False]
    close = _after_loading(nets, x, y, loss * torch.tensor([0.94, 0.97, 1.0]))
    assert close["higher"].tolist() == [True, False, False]


def test_repetitions_are_counted_block_by_block() -> None:
    both = measure(BLOCKS, arm(WITHOUT, 2))
    for found in both:
        share = float(str(found["train_repeats_differ"]))
        assert share == pytest.approx(round(share * 10) / 10)
        assert share > 0.5
