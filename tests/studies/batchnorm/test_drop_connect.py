"""DropConnect and dropout in front of batch norm, against what theory gives for one layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.workloads import Replicas
from harness.workloads.regularisers import DropConnect
from studies.batchnorm.drop_connect import CONNECT, DIRECT, DROPOUT, NONE, network
from studies.batchnorm.shift import variance_ratios
from tests.studies.batchnorm.stored import skewed, with_stored_statistics

ROWS, FEATURES, UNITS = 512, 6, 64


def test_a_mask_for_all_rows_adds_only_what_varies_between_rows() -> None:
    x = skewed(ROWS, FEATURES)
    layer = DropConnect(FEATURES, UNITS, 0.5)
    weights = layer.weight.detach()
    of_rows = (x @ weights.T).var(0)
    # The mean of an input moves all rows of a batch alike, and is no variance within it.
    noise = weights.square() @ x.var(0)
    theory = of_rows.sum() / (of_rows + noise).sum()
    net = with_stored_statistics(nn.Sequential(layer, nn.BatchNorm1d(UNITS)), x, passes=300)
    found = variance_ratios(Replicas([net]), x[None])[0, 0]
    assert found == pytest.approx(theory.item(), rel=0.04)
    of_dropout = of_rows.sum() / (of_rows + weights.square() @ x.square().mean(0)).sum()
    assert theory.item() > 1.05 * of_dropout.item()


def test_techniques_stand_before_both_batch_norms() -> None:
    def kinds(technique: str) -> list[str]:
        return [type(layer).__name__ for layer in network(technique, 5, 3).children()]

    tail = ["BatchNorm1d", "ReLU"]
    assert kinds(NONE) == [*(["Linear", *tail] * 2), "Linear"]
    assert kinds(DROPOUT) == [*(["Dropout", "Linear", *tail] * 2), "Linear"]
    assert kinds(CONNECT) == [*(["DropConnect", *tail] * 2), "Linear"]
    assert kinds(DIRECT) == [*(["Linear", "Dropout", *tail] * 2), "Linear"]


def test_techniques_start_from_the_same_weights() -> None:
    begun = []
    for technique in (NONE, DROPOUT, CONNECT, DIRECT):
        torch.manual_seed(0)
        net = network(technique, 5, 3)
        begun.append([p for p in net.parameters() if p.dim() > 1])
    for other in begun[1:]:
        assert all(torch.equal(a, b) for a, b in zip(begun[0], other, strict=True))
