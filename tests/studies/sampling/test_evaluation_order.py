"""Evaluation in an order, against all rows at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm
from harness.workloads.datasets import load_split
from studies.sampling.evaluation_order import Cell, evaluate, measure

SPLIT = load_split("digits", 3)


def test_batches_add_up_to_the_whole_whatever_their_order() -> None:
    torch.manual_seed(0)
    net = nn.Linear(64, 10)
    outputs = net(SPLIT.val_x)
    right = (outputs.argmax(1) == SPLIT.val_y).sum().item()
    loss = functional.cross_entropy(outputs, SPLIT.val_y).item()
    found_right, found_loss = evaluate(net, SPLIT, torch.randperm(len(SPLIT.val_y)))
    assert found_right == right
    assert found_loss == pytest.approx(loss, rel=1e-5)


def test_an_order_that_matters_is_found_and_leaves_the_network_as_it_was() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 10))
    cell = Cell(SPLIT, {"perceptron": net}, torch.randperm(len(SPLIT.val_y)))
    buffers = [buffer.clone() for buffer in net.buffers()]
    arms = {mode: Arm((("net", "perceptron"), ("mode", mode))) for mode in ("train", "eval")}
    train = measure(cell, arms["train"])
    assert float(str(train["loss_moved"])) > 1e-4
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.buffers(), strict=True))
    assert measure(cell, arms["eval"])["answers_moved"] == 0


class ByPlace(nn.Module):
    """Its answers depend on where in the batch a row stands."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.one_hot(torch.arange(len(x)) % 10, 10).float()


def test_answers_that_hang_on_the_place_are_counted() -> None:
    order = torch.arange(len(SPLIT.val_y)).flip(0)
    found = measure(Cell(SPLIT, {"CNN": ByPlace()}, order), Arm((("net", "CNN"), ("mode", "eval"))))
    assert float(str(found["answers_moved"])) + float(str(found["bits_moved"])) > 0
