"""Gradient descent on all rows at once, and on few."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

from harness.workloads.datasets import Split, load_split
from studies.memory.full_batch import memory_of_a_step, passes_until_learnt


@pytest.fixture(scope="module")
def split() -> Split:
    return load_split("breast_cancer", seed=3)


def test_a_step_keeps_two_hidden_layers_and_the_log_probabilities(split: Split) -> None:
    for rows in (32, len(split.train_x)):
        saved, _ = memory_of_a_step(split, 3, rows)
        assert saved == 4 * (rows * (64 + 64 + 2) + 1)


def test_the_peak_of_a_step_holds_weights_rows_and_what_is_kept(split: Split) -> None:
    features, hidden = split.train_x.shape[1], 64
    weights = 4 * ((features + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * 2)
    for rows in (32, len(split.train_x)):
        saved, peak = memory_of_a_step(split, 3, rows)
        there = weights + saved + rows * (4 * features + 8)
        assert there < peak < there + weights + 4 * 4 * rows * hidden


def test_passes_are_counted_by_the_updates_that_are_made(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An optimiser that finds the answer at its 30th step: in the 3rd pass of 11 batches."""
    steps: list[int] = []

    class Sudden(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            steps.append(len(steps))

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return logits.sum() * 0 + (0.01 if len(steps) >= 30 else 0.5)

    monkeypatch.setattr(torch.optim, "SGD", Sudden)
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", loss)
    assert passes_until_learnt(split, 3, rows=32, lr=0.3, most=100) == 3
    steps.clear()
    assert passes_until_learnt(split, 3, rows=len(split.train_x), lr=0.3, most=100) == 30


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
    assert passes_until_learnt(split, 3, rows=32, lr=0.01, most=150) == 150
    assert len(passes) == 10, "ten passes of eleven updates"
    passes.clear()
    assert passes_until_learnt(split, 3, rows=len(split.train_x), lr=0.01, most=150) == 150
    assert len(passes) == 100, "a hundred passes of one update"
