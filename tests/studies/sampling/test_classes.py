"""Stored classes and patterns, against closed forms."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
import torch

from harness.design.factors import Block
from studies.sampling.classes import (
    BLOCK,
    DIGITS,
    HALVES,
    PATTERNS,
    class_task,
    half_of_chance,
    patterns,
)

BLOCKS = (Block(0, 11, 5), Block(1, 12, 5))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("best", [0.7, 0.9, 0.99])
def test_the_best_classifier_of_patterns_is_right_as_often_as_asked(best: float) -> None:
    """Known patterns are told apart by the sign of the projection on their difference."""
    x, y = patterns((20_000, 20_000), best, seed=3)
    direction = torch.randn(64, generator=torch.Generator().manual_seed(3))
    right = ((x @ direction > 0).long() == y).double().mean().item()
    assert right == pytest.approx(best, abs=0.01)


def test_patterns_lie_as_far_apart_as_the_normal_law_says() -> None:
    x, y = patterns((50_000, 50_000), 0.8, seed=4)
    apart = (x[y == 1].mean(0) - x[y == 0].mean(0)).norm().item()
    assert apart == pytest.approx(2 * NormalDist().inv_cdf(0.8), abs=0.05)


def test_a_stream_gives_other_images_of_the_same_patterns() -> None:
    (one, y), (other, _) = (patterns((5000, 5000), 0.99, 5, stream) for stream in (0, 1))
    assert not torch.equal(one, other)
    means = [x[y == 1].mean(0) - x[y == 0].mean(0) for x in (one, other)]
    cosine = torch.nn.functional.cosine_similarity(means[0], means[1], dim=0)
    assert cosine > 0.99


@pytest.mark.parametrize("name", [PATTERNS, HALVES, DIGITS])
def test_rows_are_stored_class_by_class_and_replicas_have_their_own(name: str) -> None:
    task = class_task(name, BLOCKS)
    assert (task.train.y.diff(dim=1) >= 0).all()
    assert not torch.equal(task.train.x[0], task.train.x[1])
    alone = class_task(name, BLOCKS[1:])
    assert torch.equal(alone.train.x[0], task.train.x[1])
    weights = [next(net.parameters()) for net in (alone.networks[0], task.networks[1])]
    assert torch.equal(weights[0], weights[1])


@pytest.mark.parametrize("name", [PATTERNS, HALVES])
def test_sets_of_two_classes_have_fifty_batches_of_each_and_a_fair_rest(name: str) -> None:
    task = class_task(name, BLOCKS)
    assert task.steps == 2 * BLOCK
    batches = task.train.y.view(len(BLOCKS), -1, task.batch)
    assert (batches.amin(-1) == batches.amax(-1)).all()
    assert (task.val.y.double().mean(1) == 0.5).all()


def test_held_out_digits_are_not_trained_on() -> None:
    task = class_task(HALVES, BLOCKS[:1])
    same = (task.val.x[0][:, None] == task.train.x[0][None]).all(-1)
    assert not same.any()


def test_knowing_nothing_costs_the_logarithm_of_the_classes() -> None:
    even = torch.nn.functional.cross_entropy(torch.zeros(7, 10), torch.zeros(7, dtype=torch.long))
    assert 2 * half_of_chance(10) == pytest.approx(even.item())
    assert half_of_chance(2) == pytest.approx(math.log(2) / 2)
