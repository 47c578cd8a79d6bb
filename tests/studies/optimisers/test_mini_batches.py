"""Mini-batches against the full batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.design.factors import Block
from harness.workloads import mlp
from studies.optimisers import mini_batches
from studies.optimisers.descent import Recipe
from studies.optimisers.mini_batches import (
    DATA,
    DIGITS,
    RATES,
    SPIRAL,
    best_rate,
    choose,
    make_rows,
    passes_to_bound,
    times,
)


@pytest.mark.parametrize("name", DATA.levels)
def test_rows_are_as_many_as_asked_and_come_from_the_seed(name: str) -> None:
    rows = make_rows(name, 3, 400)
    assert len(rows.x) == len(rows.y) == 400
    assert torch.equal(rows.x, make_rows(name, 3, 400).x)
    assert not torch.equal(rows.x, make_rows(name, 4, 400).x)
    shares = np.bincount(rows.y.numpy()) / 400
    assert shares.min() > 0.5 / len(shares)


def test_full_batch_descent_is_that_written_out() -> None:
    """On the full batch a pass is an update, and the loss is looked at after each."""
    rows, seed, rate = make_rows(SPIRAL, 3, 60), 5, 1.0
    torch.manual_seed(seed)
    net = mlp(2, 2, hidden=32)
    expected = None
    for done in range(1, 400):
        net.zero_grad()
        functional.cross_entropy(net(rows.x), rows.y).backward()
        with torch.no_grad():
            for parameter in net.parameters():
                assert parameter.grad is not None
                parameter.sub_(rate * parameter.grad)
        if functional.cross_entropy(net(rows.x), rows.y) < 0.5:
            expected = done
            break
    assert expected is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_batches, "BOUND", 0.5)
        found = passes_to_bound(rows, seed, Recipe("SGD", rate, 60), 400)
        assert found == pytest.approx(expected, abs=1)
        assert passes_to_bound(rows, seed, Recipe("SGD", rate, 60), expected - 2) == math.inf


def test_a_pass_of_mini_batches_is_all_of_its_updates() -> None:
    rows = make_rows(DIGITS, 3, 330)  # 11 batches, looked at after every 2 and at the end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_batches, "BOUND", 100.0)
        assert passes_to_bound(rows, 1, Recipe("SGD", 0.1, 32), 5) == 2 / 11


@pytest.mark.parametrize(
    ("full", "mini", "ratio"),
    [(6.0, 3.0, 2.0), (math.inf, 3.0, 5.0), (60.0, 3.0, 5.0), (math.inf, math.inf, 1.0)],
)
def test_a_full_batch_that_does_not_get_there_is_at_the_most_told_apart(
    full: float, mini: float, ratio: float
) -> None:
    assert times(full, mini) == ratio
    assert times(3.0, math.inf) == 0, "the full batch alone gets there"


def test_the_rate_with_the_fewest_passes_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    lrs = RATES["SGD", "mini"]
    planted = dict(zip(lrs, (7.0, 3.0, math.inf), strict=True))
    monkeypatch.setattr(mini_batches, "passes_to_bound", lambda _, __, r, most: planted[r.lr])
    rows = make_rows(SPIRAL, 1, 40)
    assert best_rate(rows, 1, "SGD", "mini", 12) == (lrs[1], 3.0)


def test_every_way_gets_a_rate_of_its_own() -> None:
    chosen = choose(Block(0, 1, 1, effort=64))
    for (_, optimiser, way), rate in chosen.items():
        assert rate in RATES[optimiser, way]
    assert len(chosen) == 8
