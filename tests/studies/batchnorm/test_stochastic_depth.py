"""Which batch norms stand inside a branch, and what dropping branches leaves behind a sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.workloads import Replicas
from harness.workloads.regularisers import Residual, StochasticDepth
from harness.workloads.samples import draw_sample
from studies.batchnorm.shift import batch_norms, variance_ratios
from studies.batchnorm.stochastic_depth import BEHIND, BLOCKS, INSIDE, TASKS, by_kind, network
from tests.studies.batchnorm.stored import skewed, with_stored_statistics


@pytest.mark.parametrize("task", TASKS)
def test_kinds_are_told_apart_by_where_a_batch_norm_stands(task: str) -> None:
    source = TASKS[task].source
    net = network(TASKS[task], draw_sample(source, [1], train=20, held_out=10), 0.9)()
    norms = batch_norms(net)
    if not TASKS[task].batch_norm:
        assert norms == []
        return
    marks = []
    for name, module in net.named_modules():
        if module in norms:
            # A branch is convolution, batch norm, ReLU, convolution, batch norm.
            inside = ".branch." in name and name.endswith("4")
            later = ".branch." in name and name.endswith("1")
            marks.append(2.0 if inside else 3.0 if later else 0.0)
    blocks = [place for place, mark in enumerate(marks) if mark == 3.0]
    marks[blocks[0]] = 0.0  # the first block's is given what no branch was added to
    found = by_kind(np.array(marks)[:, None])
    assert found[INSIDE].tolist() == [2.0]
    assert found[BEHIND].tolist() == [3.0]
    assert len(blocks) == BLOCKS


def test_behind_a_sum_the_shift_is_what_theory_gives() -> None:
    survival, features = 0.8, 6
    x = skewed(512, features)
    branch = nn.Linear(features, features)
    with torch.no_grad():
        added = branch(x)
        whole = (x + added).relu().var(0)
        # A row keeps the branch, divided by the survival, or goes without it.
        kept, without = (x + added / survival).relu(), x
        mean = survival * kept.mean(0) + (1 - survival) * without.mean(0)
        square = survival * kept.square().mean(0) + (1 - survival) * without.square().mean(0)
        theory = whole.sum() / (square - mean.square()).sum()
    net = nn.Sequential(Residual(branch, StochasticDepth(survival)), nn.BatchNorm1d(features))
    stored = with_stored_statistics(net, x)
    found = variance_ratios(Replicas([stored]), x[None])[0, 0]
    assert found == pytest.approx(theory.item(), rel=0.02)
