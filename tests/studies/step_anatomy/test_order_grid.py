"""Training in an order of one's own: held to a plain loop, and to outcomes that are planted."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.workloads import Replicas
from studies.step_anatomy.listing import Images, prepare_images
from studies.step_anatomy.order_grid import (
    EXPERIMENT,
    STEPS_DOWN,
    judged_on,
    measure,
    prepare,
    same_weights,
    train,
)
from studies.step_anatomy.orders import LISTED, OPERATIONS, ORDERS

BLOCKS = (Block(0, 1, 3, effort=320), Block(1, 2, 3, effort=320))


def arm_of(order: str) -> Arm:
    levels = (("sequence", order), ("optimiser", "SGD"), ("scheduler", STEPS_DOWN), ("times", 1))
    return Arm(levels)


def plain_loop(images: Images) -> nn.Module:
    """The listing's loop for one network, written out."""
    net = copy.deepcopy(images.networks[0])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    for x, y in images.batches():
        optimiser.zero_grad()
        functional.cross_entropy(net(x[0]), y[0]).backward()
        optimiser.step()
    return net


def test_the_listed_order_trains_each_replica_like_a_plain_loop() -> None:
    images = prepare_images(BLOCKS)
    ended = train(images, OPERATIONS, "SGD", STEPS_DOWN)
    expected = plain_loop(prepare_images(BLOCKS[:1]))
    for one, other in zip(ended.nets.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(one[0], other, atol=1e-6)
    assert ended.error == ""


def test_an_order_that_reads_too_early_leaves_the_networks_as_they_were() -> None:
    images = prepare_images(BLOCKS)
    ended = train(images, ORDERS["no forward pass"], "SGD", STEPS_DOWN)
    assert ended.error.startswith("NameError in iteration 1: ")
    untouched = Replicas(copy.deepcopy(images.networks))
    assert same_weights(ended.nets, untouched).tolist() == [1, 1]


def test_the_listed_order_does_no_harm_to_itself() -> None:
    arm = arm_of(LISTED)
    for block in measure(prepare(BLOCKS), arm):
        assert (block["harm"], block["same"], block["loss_over"]) == (0, 1, 1)


def test_harm_is_the_greater_of_loss_in_five_percents_and_accuracy_in_points() -> None:
    arm = Arm(
        (("sequence", "no step()"), ("optimiser", "SGD"), ("scheduler", STEPS_DOWN), ("times", 1))
    )
    for block in measure(prepare(BLOCKS), arm):
        loss, points = (float(str(block[name])) for name in ("loss_over", "points_lost"))
        expected = max((loss - 1) / 0.05, points)
        assert float(str(block["harm"])) == pytest.approx(expected, rel=1e-4)
        assert block["loss_left"] == pytest.approx(1)


def test_a_loss_that_is_no_number_counts_as_a_very_large_one() -> None:
    nets = Replicas([nn.Linear(3, 2), nn.Linear(3, 2)])
    with torch.no_grad():
        next(nets.parameters())[1].fill_(math.nan)
    loss, _ = judged_on(nets, torch.ones(2, 4, 3), torch.zeros(2, 4, dtype=torch.long))
    assert loss[0] < 10
    assert 1e30 < loss[1] < math.inf


def test_every_order_is_tried_with_both_optimisers() -> None:
    tried = {(arm.as_dict()["sequence"], arm.as_dict()["optimiser"]) for arm in EXPERIMENT.arms()}
    assert tried == {(order, name) for order in ORDERS for name in ("SGD", "Adam")}
