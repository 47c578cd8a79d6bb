"""Networks that train at once are those of a plain loop, and the last losses are its losses."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from harness.design.factors import Block
from harness.workloads.datasets import load_split
from harness.workloads.networks import mlp_for
from studies.load_loss import trained
from studies.load_loss.trained import STEPS, loss_of, train_nets

SEEDS = (3, 8)
BLOCKS = tuple(Block(place, seed, 0) for place, seed in enumerate(SEEDS))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def plain_loop(seed: int, steps: int, *, batch_norm: bool) -> tuple[torch.nn.Module, list[float]]:
    """Written without the study's means: one network, one loop."""
    split = load_split("digits", seed)
    net = mlp_for(split, seed, batch_norm=batch_norm)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    while len(losses) < steps:
        drawn = torch.randperm(len(split.train_x), generator=order)
        for start in range(0, len(drawn) - 63, 64):
            rows = drawn[start : start + 64]
            if len(losses) < steps:
                optimiser.zero_grad()
                loss = functional.cross_entropy(net(split.train_x[rows]), split.train_y[rows])
                loss.backward()
                optimiser.step()
                losses.append(loss.item())
    return net, losses


@pytest.mark.parametrize("kind", ["plain", "batch norm"])
def test_each_network_is_the_one_of_a_plain_loop(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STEPS, "short", 20)  # into the second epoch
    found = train_nets(kind, "short", BLOCKS)
    for seed, one in zip(SEEDS, found, strict=True):
        net, losses = plain_loop(seed, 20, batch_norm=kind == "batch norm")
        if kind == "plain":
            for name, value in net.state_dict().items():
                torch.testing.assert_close(one.net.state_dict()[name], value, rtol=1e-3, atol=1e-5)
        # Batch norm takes the gradient of some weights away (constant pixels): Adam makes steps of
        # its rounding. The losses do not depend on them.
        assert one.last == pytest.approx(sum(losses[-5:]) / 5, rel=1e-3)
        assert one.last_step == pytest.approx(losses[-1], rel=1e-3)
        assert one.net.training


def test_ten_epochs_have_as_many_steps_as_full_batches() -> None:
    assert len(load_split("digits", 0).train_x) // trained.BATCH * 10 == STEPS["10 epochs"]


def test_a_loss_in_batches_is_the_mean_over_all_rows() -> None:
    torch.manual_seed(0)
    net, x, y = torch.nn.Linear(4, 3), torch.randn(10, 4), torch.randint(3, (10,))
    by_row = [-torch.log_softmax(net(x[i]), 0)[y[i]].item() for i in range(10)]
    assert loss_of(net, x, y, batch=4) == pytest.approx(sum(by_row) / 10, rel=1e-5)
