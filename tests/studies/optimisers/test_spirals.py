"""Spirals of any number of turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.design.factors import Block
from harness.workloads.tasks import SPIRAL_NOISE, SPIRAL_RELU, SPIRAL_TANH, cut_rows, make_task
from studies.optimisers.spirals import (
    USUAL_TURNS,
    in_double,
    spiral_task,
    whole_spiral,
    wound,
)

BLOCKS = (Block(0, 5, 9), Block(1, 6, 9))


def test_at_the_usual_turns_rows_are_those_of_the_project() -> None:
    task = make_task(SPIRAL_RELU, BLOCKS)
    for place, block in enumerate(BLOCKS):
        parts = cut_rows(*wound(USUAL_TURNS, block.seed), block.seed)
        for part, (x, y) in zip((task.train, task.val, task.production), parts, strict=True):
            torch.testing.assert_close(part.x[place], x)
            assert torch.equal(part.y[place], y)


@settings(max_examples=15, deadline=None)
@given(turns=st.sampled_from([0.5, 0.75, 1.0, 2.0]), seed=st.integers(0, 1000))
def test_an_arm_winds_as_often_as_asked(turns: float, seed: int) -> None:
    """A tenth of the arm, at its middle, is left out."""
    x, y = wound(turns, seed)
    ideal = np.linspace(0.1, 1, 250)
    for arm, sign in ((0, 1), (1, -1)):
        points = sign * x[y == arm].numpy()
        angle = 2 * np.pi * turns * ideal
        centre = 2 * ideal[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        assert np.std(points - centre) == pytest.approx(SPIRAL_NOISE, rel=0.15)


def test_turns_change_rows_and_neither_networks_nor_cut() -> None:
    usual, other = (spiral_task(SPIRAL_TANH, BLOCKS, turns) for turns in (USUAL_TURNS, 0.5))
    assert torch.equal(usual.train.y, other.train.y)
    assert not torch.equal(usual.train.x, other.train.x)
    for one, two in zip(usual.networks, other.networks, strict=True):
        assert all(map(torch.equal, one.parameters(), two.parameters()))


def test_a_whole_spiral_has_every_point_once() -> None:
    task = whole_spiral(SPIRAL_RELU, BLOCKS, 0.75)
    for place, block in enumerate(BLOCKS):
        x, y = wound(0.75, block.seed)
        order = [(*row, arm) for row, arm in zip(x.tolist(), y.tolist(), strict=True)]
        pairs = zip(task.train.x[place].tolist(), task.train.y[place].tolist(), strict=True)
        assert sorted((*row, arm) for row, arm in pairs) == sorted(order)


def test_rows_to_validate_a_whole_spiral_with_are_others_on_the_same_arms() -> None:
    task = whole_spiral(SPIRAL_RELU, BLOCKS)
    assert task.val.x.shape == (2, 100, 2)
    distances = torch.cdist(task.val.x, task.train.x)
    assert float(distances.min()) > 0
    nearest = task.train.y.gather(1, distances.argmin(dim=2))
    assert float((nearest == task.val.y).float().mean()) > 0.95
    assert not torch.equal(task.val.x[0], task.val.x[1])


def test_in_double_precision_it_is_the_same_task() -> None:
    task = make_task(SPIRAL_RELU, BLOCKS)
    doubled = in_double(task)
    assert torch.equal(doubled.train.x.float(), task.train.x)
    assert next(doubled.networks[0].parameters()).dtype == torch.float64
    assert next(task.networks[0].parameters()).dtype == torch.float32
