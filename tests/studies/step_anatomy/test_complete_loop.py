"""The listed loop: its measurements on networks whose answers are known, and its figure."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.workloads import Replicas
from studies.step_anatomy.complete_loop import (
    EXPERIMENT,
    NONE,
    PER_BATCH,
    accuracies,
    accuracy,
    measure,
)
from studies.step_anatomy.listing import PLAIN, prepare_images
from tests.studies.step_anatomy.rows import drawn, planted

BLOCKS = (Block(0, 1, 3, effort=320), Block(1, 2, 3, effort=320))


def arm(place: str, epochs: int) -> Arm:
    return Arm((("place", place), ("pixels", PLAIN), ("epochs", epochs)))


def test_the_accuracy_of_a_network_that_copies_its_input_is_known() -> None:
    nets = [nn.Linear(3, 3, bias=False) for _ in range(2)]
    for net, sign in zip(nets, (1, -1), strict=True):
        with torch.no_grad():
            net.weight.copy_(sign * torch.eye(3))
    x = torch.eye(3)[None].expand(2, 3, 3)
    assert accuracy(Replicas(nets), x, torch.arange(3)[None].expand(2, 3)) == [1.0, 0.0]


def test_one_block_is_trained_like_the_listing_written_out() -> None:
    images = prepare_images(BLOCKS[:1])
    net = copy.deepcopy(images.networks[0])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=100)
    for x, y in images.batches(epochs=3):
        optimiser.zero_grad()
        functional.cross_entropy(net(x[0]), y[0]).backward()
        optimiser.step()
        scheduler.step()
    x, y = images.validation()
    right = (net(x[0]).argmax(-1) == y[0]).float().mean().item()
    (found,) = measure(images, arm(PER_BATCH, 3))
    assert found["accuracy"] == pytest.approx(right, abs=0.01)
    assert (found["unfinished"], found["rate_off"]) == (0, 0)


def test_arms_leave_the_networks_they_share_as_they_were() -> None:
    images = prepare_images(BLOCKS)
    before = [next(net.parameters()).detach().clone() for net in images.networks]
    measure(images, arm(NONE, 1))
    after = [next(net.parameters()) for net in images.networks]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_title_is_the_median_difference_of_the_rows() -> None:
    def value(levels: dict[str, Any], response: str, block: int) -> float:
        behind = 0.03 if levels["place"] == PER_BATCH else 0.0
        return 0.9 - behind + block / 1000

    title = drawn(accuracies, planted(EXPERIMENT, value))
    assert "\N{MINUS SIGN}3.0 points" in title
    assert "20 seeds" in title


def test_cells_that_failed_are_no_obstacle() -> None:
    def value(levels: dict[str, Any], response: str, block: int) -> float:
        return math.nan if levels["place"] == PER_BATCH else 0.9

    assert "not measured" in drawn(accuracies, planted(EXPERIMENT, value))
    assert drawn(accuracies, planted(EXPERIMENT, lambda *_: math.nan))
