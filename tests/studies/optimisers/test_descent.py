"""Training step by step."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from harness.design.factors import Block
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import SPIRAL_RELU, SPIRAL_TANH, TrainingTask, make_task
from studies.optimisers.descent import (
    Recipe,
    descend,
    first_steps,
    steps_to,
    train_accuracy,
    train_loss,
    val_accuracy,
)
from studies.optimisers.spirals import in_double
from tests.studies.optimisers.by_hand import Rule, gradients

BLOCKS = tuple(Block(number, 20 + number, 9) for number in range(3))


def task_of(name: str = SPIRAL_RELU) -> TrainingTask:
    return make_task(name, BLOCKS)


@pytest.mark.parametrize("optimiser", ["SGD", "momentum", "Adam", "AdamW"])
def test_steps_are_those_of_the_harness_loop(optimiser: str) -> None:
    task = task_of()
    log = train(task, Setting(optimiser, 0.01, epochs=2, batch=16))
    *_, last = first_steps(task, Recipe(optimiser, 0.01, 16), len(log.steps["loss"]))
    assert last.ends_epoch
    for one, other in zip(last.nets.parameters(), log.nets.parameters(), strict=True):
        assert torch.equal(one, other)
    assert train_loss(task, last.nets) == pytest.approx(log.epochs["true_train_loss"][-1].numpy())
    assert train_accuracy(task, last.nets).tolist() == log.epochs["true_train_score"][-1].tolist()
    assert val_accuracy(task, last.nets).tolist() == log.epochs["true_val_score"][-1].tolist()


@pytest.mark.parametrize("name", [SPIRAL_RELU, SPIRAL_TANH])
@pytest.mark.parametrize("optimiser", ["SGD", "momentum", "Adam", "AdamW"])
def test_updates_are_the_rules_written_out(name: str, optimiser: str) -> None:
    """Backward pass and update rule in NumPy, in double precision."""
    task = in_double(task_of(name))
    place, rate, batch = 1, 0.02, 16
    weights = [p.detach().numpy().copy() for p in task.networks[place].parameters()]
    rule = Rule(optimiser, rate)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(task.seeds[place]))
    x, y = task.train.x[place].numpy(), task.train.y[place].numpy()
    steps = first_steps(task, Recipe(optimiser, rate, batch), 12)
    for step, rows in zip(steps, order.split(batch), strict=False):
        slopes = gradients(weights, x[rows], y[rows], tanh=name == SPIRAL_TANH)
        rule.step(weights, slopes)
        for written, parameter in zip(weights, step.nets.parameters(), strict=True):
            np.testing.assert_allclose(parameter[place].detach().numpy(), written, atol=1e-10)
    assert rule.done == 12


def test_a_task_is_left_as_it_was() -> None:
    task = task_of()
    before = [p.clone() for p in task.networks[0].parameters()]
    list(first_steps(task, Recipe("Adam", 0.1), 5))
    assert all(map(torch.equal, before, task.networks[0].parameters()))


def test_the_rate_falls_along_a_cosine_once_an_epoch() -> None:
    rates = [step.lr for step in first_steps(task_of(), Recipe("SGD", 0.3, 16, anneal=4), 4 * 18)]
    written = [0.3 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates == pytest.approx(np.repeat(written, 18))
    constant = {step.lr for step in first_steps(task_of(), Recipe("SGD", 0.3), 40)}
    assert constant == {0.3}


def test_epochs_end_where_all_whole_batches_are_used() -> None:
    steps = itertools.islice(descend(task_of(), Recipe("SGD", 0.1, 64)), 9)
    assert [step.done for step in steps if step.ends_epoch] == [4, 8]


def test_steps_to_a_target_are_the_first_on_the_whole_curve() -> None:
    task, recipe, caps = task_of(), Recipe("Adam", 0.03), np.full((2, 3), 90.0)
    curve = np.stack([val_accuracy(task, step.nets) for step in first_steps(task, recipe, 90)])
    found = steps_to(task, recipe, (0.6, 0.7), caps)
    for target, steps in zip((0.6, 0.7), found, strict=True):
        for place in range(3):
            there = np.flatnonzero(curve[:, place] >= target - 1e-6)
            assert steps[place] == (there[0] + 1 if len(there) else math.inf)
    assert np.isfinite(found).any()


def test_what_comes_after_its_cap_does_not_count() -> None:
    task, recipe = task_of(), Recipe("Adam", 0.03)
    free = steps_to(task, recipe, (0.6,), np.full((1, 3), 200.0))
    caps = free - np.array([[1.0, 0.0, 0.0]])
    assert steps_to(task, recipe, (0.6,), caps).tolist() == [[math.inf, *free[0, 1:].tolist()]]
