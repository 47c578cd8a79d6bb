"""Rows keep their places, whatever their order and batches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from harness.design.factors import Arm
from harness.workloads.datasets import load_split
from studies.load_loss import inference
from studies.load_loss.inference import (
    BATCH,
    EXPERIMENT,
    FEW_PASSES,
    N_ROWS,
    PASSES,
    Cell,
    classes,
    measure,
    order_of,
)
from studies.load_loss.trained import Trained


@pytest.mark.parametrize("order", ["random", "by class"])
def test_an_order_holds_every_row_once_and_another_draw_is_another_order(order: str) -> None:
    labels, draw = torch.tensor([2, 0, 1, 0, 2, 1] * 20), np.random.default_rng(0)
    first, second = order_of(labels, order, draw), order_of(labels, order, draw)
    assert sorted(first.tolist()) == list(range(120))
    assert first.tolist() != second.tolist()
    assert (labels[first].diff() >= 0).all() == (order == "by class")


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_every_row_gets_its_own_class(batch: int) -> None:
    x = torch.randn(50, 6)
    order = torch.randperm(50)
    assert torch.equal(classes(nn.Identity(), x, order, batch), x.argmax(1))


def test_every_size_of_batch_divides_the_rows() -> None:
    assert all(N_ROWS % batch == 0 for batch in BATCH.levels)
    assert len(load_split("digits", 0).val_y) >= N_ROWS


def test_rows_of_one_class_are_normalised_away_in_train_mode() -> None:
    """A network whose logits are the labels' places: batch norm takes one class for the average."""
    split = load_split("digits", 4)
    split.val_x[:] = 0
    split.val_x[torch.arange(len(split.val_y)), split.val_y] = 1.0
    norm = nn.BatchNorm1d(64)
    norm.running_mean, norm.running_var = torch.zeros(64), torch.ones(64)
    net = nn.Sequential(norm, nn.Linear(64, 10, bias=False))
    with torch.no_grad():
        net.get_parameter("1.weight").copy_(torch.eye(10, 64))
    cell = Cell({"batch norm": (Trained(net, split, 0.0, 0.0),)}, (1,))

    def measured(mode: str, order: str) -> list[float]:
        arm = Arm((("mode", mode), ("net", "batch norm"), ("batch", 8), ("row_order", order)))
        (found,) = measure(cell, arm)
        return [float(value) for value in found["accuracy"]]  # type: ignore[union-attr]

    assert measured("eval", "by class") == [1] * FEW_PASSES
    assert measured("train", "random") == [1] * PASSES
    assert max(measured("train", "by class")) < 0.4


def test_rows_that_change_class_are_counted_from_pass_to_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted answers: 1/64 of the rows, and then no row, gets another class."""
    split = load_split("digits", 4)
    right = split.val_y[:N_ROWS]
    first = torch.cat([(right[: N_ROWS // 64] + 1) % 10, right[N_ROWS // 64 :]])
    answers = itertools.chain([first, right], itertools.repeat(right))
    monkeypatch.setattr(inference, "classes", lambda *_: next(answers))
    cell = Cell({"batch norm": (Trained(nn.Identity(), split, 0.0, 0.0),)}, (1,))
    levels = (("mode", "train"), ("net", "batch norm"), ("batch", 8), ("row_order", "random"))
    (found,) = measure(cell, Arm(levels))
    assert found["accuracy"] == pytest.approx([63 / 64] + [1] * (PASSES - 1))
    assert found["flips"] == pytest.approx([1 / 64] + [0] * (PASSES - 2))


@pytest.mark.parametrize("net", inference.DROPOUT_ONLY)
def test_dropout_has_one_arm_in_each_mode(net: str) -> None:
    assert sum(arm[inference.NET] == net for arm in EXPERIMENT.arms()) == 2
