"""Gradient descent on all rows at once, and on few."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

from harness.workloads.datasets import Split, load_split
from studies.memory.full_batch import TRIAL_PASSES, passes_until_learnt, saved_in_a_step


@pytest.fixture(scope="module")
def split() -> Split:
    return load_split("breast_cancer", seed=3)


def test_a_step_keeps_two_hidden_layers_and_the_log_probabilities(split: Split) -> None:
    for rows in (32, len(split.train_x)):
        assert saved_in_a_step(split, 3, rows) == 4 * (rows * (64 + 64 + 2) + 1)


def test_more_updates_a_pass_learn_in_fewer_passes(split: Split) -> None:
    few = passes_until_learnt(split, 3, rows=32, lr=0.3, most=100)
    all_at_once = passes_until_learnt(split, 3, rows=len(split.train_x), lr=0.3, most=100)
    assert 1 <= few < all_at_once < 100


def test_what_is_not_learnt_counts_as_the_most(split: Split) -> None:
    assert passes_until_learnt(split, 3, rows=32, lr=1e-9, most=12) == 12
    assert passes_until_learnt(split, 3, rows=32, lr=1e9, most=12) == 12


def test_a_rate_that_teaches_nothing_is_given_up_soon(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    randperm = torch.randperm

    def counted(n: int, generator: torch.Generator) -> torch.Tensor:
        passes.append(n)
        return randperm(n, generator=generator)

    class Contrary(torch.optim.SGD):
        def __init__(self, parameters: Iterable[torch.Tensor], lr: float) -> None:
            super().__init__(parameters, lr=lr, maximize=True)

    monkeypatch.setattr(torch, "randperm", counted)
    monkeypatch.setattr(torch.optim, "SGD", Contrary)
    rows = len(split.train_x)
    assert passes_until_learnt(split, 3, rows, lr=0.01, most=150) == 150
    assert passes == [rows] * TRIAL_PASSES
