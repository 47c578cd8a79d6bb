"""Gradients of replicas against autograd on one network, and planted directions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.classes import DIGITS, HALVES, class_task
from studies.sampling.gradient_direction import (
    CUT,
    EPOCHS,
    EXPERIMENT,
    TASK,
    WHOLE,
    Trained,
    cosine_by_epoch,
    gradients,
    measure,
    stacked,
)
from studies.sampling.orders import SHUFFLED, STORED

BLOCKS = (Block(0, 11, 5), Block(1, 12, 5))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(name: str) -> Trained:
    """Networks as they are at the start, which is all that is asked for here."""
    task = class_task(name, BLOCKS)
    weights = [p.detach().clone() for p in stacked(task).parameters()]
    return Trained(BLOCKS, {name: task}, {(name, SHUFFLED, 0): weights})


def arm(task: str, cut: str) -> Arm:
    return Arm((("task", task), ("path", SHUFFLED), ("epochs", 0), ("cut", cut)))


def test_gradients_are_those_of_each_network_alone() -> None:
    task = class_task(HALVES, BLOCKS)
    rows = torch.arange(0, 800, 40).expand(2, -1)
    found = gradients(stacked(task), task, rows)
    for place, net in enumerate(task.networks):
        x, y = task.train.x[place, rows[place]], task.train.y[place, rows[place]]
        each = torch.autograd.grad(functional.cross_entropy(net(x), y), list(net.parameters()))
        alone = torch.cat([grad.flatten() for grad in each])
        assert torch.allclose(found[place], alone, atol=1e-5)


def test_the_whole_set_points_where_it_points() -> None:
    for found in measure(trained(HALVES), arm(HALVES, WHOLE)):
        assert found["cosine"] == pytest.approx(1, abs=1e-5)


def test_batches_that_are_copies_of_one_sample_of_the_set_are_as_close_in_either_order() -> None:
    """Where all rows of the set are alike, no cut can matter."""
    alike = trained(HALVES)
    task = alike.tasks[HALVES]
    task.train.x[:] = task.train.x[:, :1]
    task.train.y[:] = 0
    for cut in (STORED, SHUFFLED):
        for found in measure(alike, arm(HALVES, cut)):
            assert found["cosine"] == pytest.approx(1, abs=1e-5)


def test_the_figure_tells_both_cosines() -> None:
    rows = [
        {
            **each.as_dict(),
            "block": block,
            "value": {WHOLE: 1.0, SHUFFLED: 0.6, STORED: 0.2}[each[CUT]],
        }
        for each in EXPERIMENT.arms()
        for block in range(8)
    ]
    table = pd.DataFrame(rows)
    with slide_style():
        title = cosine_by_epoch(table).get_suptitle()
        assert "a cosine of 0.60" in title
        assert "class by class 0.20" in title
        table.loc[table["task"] == DIGITS, "value"] = np.nan
        assert "not measured" in cosine_by_epoch(table).get_suptitle()
    assert len(TASK.levels) * len(EPOCHS.levels) == 12
