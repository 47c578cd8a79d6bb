"""Accumulated gradients, noise and counts against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness import Arm, Block
from harness.workloads import Replicas
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import LINEAR, make_task
from studies.bugs.grid import task_of
from studies.production_loop import flops, small_batches
from studies.production_loop.accumulated import (
    CASE,
    DOUBLE,
    PLAIN,
    accumulated,
    cell,
    distance,
    measure,
    own_sum,
)
from studies.production_loop.accumulated import (
    LINEAR as ONE_LAYER,
)
from studies.production_loop.gradient_noise import noise_of


def arm(case: str, precision: str = DOUBLE) -> Arm:
    return Arm((("case", case), ("precision", precision)))


def test_the_gradient_of_one_layer_is_the_closed_form() -> None:
    made = cell(ONE_LAYER, DOUBLE, 0)
    x, y = made.whole
    weight, bias = (p.detach().numpy() for p in made.net.parameters())
    scores = x.numpy() @ weight.T + bias
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    shares[np.arange(len(y)), y.numpy()] -= 1
    by_hand = np.concatenate([(shares.T @ x.numpy()).ravel(), shares.sum(0)]) / len(y)
    assert accumulated(made, made.micro, divide=8).numpy() == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("case", PLAIN)
def test_seven_of_eight_micro_batches_are_far_from_all(case: str) -> None:
    assert measure(Block(0, 1, 1), arm(case))["off_without_one"] > 0.01  # type: ignore[operator]


def test_a_sum_that_lacks_a_micro_batch_is_seen() -> None:
    made = cell(PLAIN[0], DOUBLE, 2)
    whole = accumulated(made, made.chapter, divide=1)
    assert distance(whole, own_sum(made)) < 1e-12
    assert distance(accumulated(made, made.chapter[:3], divide=1), own_sum(made)) > 0.01


def test_every_case_has_equal_weights_from_one_seed() -> None:
    for case in CASE.levels:
        one, other = (cell(case, DOUBLE, 3).net.state_dict() for _ in range(2))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_noise_is_that_of_all_batches_by_brute_force() -> None:
    task = task_of(LINEAR, (Block(0, 5, 5),))
    nets = Replicas(task.networks)
    noise, bias = noise_of(nets, task, 8, passes=1)
    x, y = (side[0].double().numpy() for side in (task.train.x, task.train.y))
    weight, offset = (p.detach()[0].double().numpy() for p in nets.parameters())
    own = 2 * (x @ weight.T + offset - y) * np.hstack([x, np.ones((len(x), 1))])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(5)).numpy()
    cut = order[: len(x) - len(x) % 8].reshape(-1, 8)
    away = own[cut].mean(axis=1) - own.mean(axis=0)
    by_hand = np.sqrt((away**2).sum(axis=1).mean())
    assert noise == pytest.approx([by_hand], rel=1e-4)
    assert bias[0] < 0.1


def test_operations_of_a_perceptron_are_six_a_weight_and_row_but_for_its_input() -> None:
    depth, width, rows = 4, 256, 16
    weights = depth * width**2 + width * 10
    expected = 6 * weights * rows - 2 * width**2 * rows  # no gradient of the input
    assert flops.counted("small perceptron", rows, rows, "cpu") == expected


def test_a_loss_that_is_no_number_ends_at_a_million() -> None:
    task = make_task(LINEAR, (Block(0, 1, 1),))
    log = train(task, Setting("SGD", 1e6, epochs=2, batch=64))
    assert small_batches.end_of(task, log).tolist() == [small_batches.DIVERGED]


def test_the_best_rate_is_the_one_that_ends_lowest() -> None:
    task = make_task(LINEAR, (Block(0, 1, 1), Block(1, 2, 1)))
    rate = small_batches.best_rate(task, "SGD", 64, epochs=3)
    ends = {
        each: np.median(small_batches.end_of(task, train(task, Setting("SGD", each, 3, 64))))
        for each in small_batches.RATES["SGD"]
    }
    assert ends[rate] == min(ends.values())
