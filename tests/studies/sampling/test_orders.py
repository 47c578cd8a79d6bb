"""Orders of rows, and training replicas against a plain loop."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Block
from harness.workloads.replicas import Replicas
from studies.sampling.classes import DIGITS, class_task
from studies.sampling.orders import (
    INDEPENDENT,
    ONCE,
    RATES,
    REVERSED,
    SHUFFLED,
    STORED,
    batches_in_order,
    rows_in_order,
    train,
)

BLOCKS = (Block(0, 11, 5), Block(1, 12, 5))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_orders_are_what_they_are_called() -> None:
    orders = {
        kind: [epoch.tolist() for epoch in rows_in_order(kind, 50, 3, seed=1)]
        for kind in (STORED, REVERSED, SHUFFLED, ONCE, INDEPENDENT)
    }
    everything = [*range(50)]
    assert orders[STORED] == [everything] * 3
    assert orders[REVERSED] == [everything[::-1]] * 3
    for kind, different in ((SHUFFLED, 3), (ONCE, 1), (INDEPENDENT, 3)):
        assert len({tuple(epoch) for epoch in orders[kind]}) == different
    assert all(sorted(epoch) == everything for epoch in orders[SHUFFLED] + orders[ONCE])
    assert all(len(set(epoch)) < 50 for epoch in orders[INDEPENDENT])


def test_batches_are_cut_from_each_replicas_own_order() -> None:
    task = class_task(DIGITS, BLOCKS)
    batches = batches_in_order(task, SHUFFLED, 2)
    assert batches.shape == (2 * task.steps, 2, task.batch)
    first = rows_in_order(SHUFFLED, task.train.x.shape[1], 2, seed=12)[1]
    cut = batches[task.steps :, 1].flatten()
    assert torch.equal(cut, first[: len(cut)])


@pytest.mark.parametrize("optimiser", RATES)
def test_replicas_train_as_a_plain_loop_does(optimiser: str) -> None:
    task = class_task(DIGITS, BLOCKS)
    batches = batches_in_order(task, SHUFFLED, 1)[:20]
    seen: list[int] = []

    def look(step: int, _: Replicas) -> None:
        seen.append(step)

    nets, losses = train(task, batches, optimiser, look)
    assert seen == [*range(1, 21)]
    net: nn.Module = copy.deepcopy(task.networks[1])
    made: dict[str, torch.optim.Optimizer] = {
        "SGD": torch.optim.SGD(net.parameters(), lr=0.1),
        "momentum": torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9),
        "Adam": torch.optim.Adam(net.parameters(), lr=0.001),
    }
    stepper = made[optimiser]
    for step, rows in enumerate(batches[:, 1]):
        stepper.zero_grad()
        loss = functional.cross_entropy(net(task.train.x[1, rows]), task.train.y[1, rows])
        loss.backward()
        stepper.step()
        assert losses[step, 1].item() == pytest.approx(loss.item(), rel=1e-3)
    for trained, plain in zip(nets.unstack()[1].parameters(), net.parameters(), strict=True):
        assert torch.allclose(trained, plain, atol=1e-4)


def test_training_leaves_the_task_as_it_was() -> None:
    task = class_task(DIGITS, BLOCKS)
    before = [p.clone() for p in task.networks[0].parameters()]
    train(task, batches_in_order(task, STORED, 1)[:3], "SGD")
    after = task.networks[0].parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
