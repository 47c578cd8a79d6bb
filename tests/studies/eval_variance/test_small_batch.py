"""The errors of small batches against the theory of normal samples, and what a tail trains."""

from __future__ import annotations

import math

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.networks import mlp
from studies.eval_variance import small_batch
from studies.eval_variance.small_batch import Cell, measure


@pytest.mark.parametrize("size", [1, 2, 4, 16])
def test_errors_of_normal_samples_follow_theory(size: int) -> None:
    torch.manual_seed(0)
    mean_error, law, variance_error = small_batch._errors(torch.randn(3000, 64), size)
    assert mean_error == pytest.approx(1 / math.sqrt(size), rel=0.03)
    assert law == pytest.approx(1 / math.sqrt(size), rel=0.01)
    # The variance with divisor n has bias -1/n and variance 2 (n - 1) / n^2.
    assert variance_error == pytest.approx(math.sqrt(2 * size - 1) / size, rel=0.03)


def test_the_law_is_exact_where_all_batches_can_be_listed() -> None:
    rows = torch.tensor([0.0, 1.0, 5.0])
    pairs = torch.stack([rows[[0, 1]], rows[[0, 2]], rows[[1, 2]]]).mean(1)
    error = ((pairs - rows.mean()) ** 2).mean().sqrt() / rows.std(correction=0)
    _, law, _ = small_batch._errors(rows[:, None], 2)
    assert law == pytest.approx(error.item(), rel=1e-6)


def test_no_error_where_the_batch_is_everything() -> None:
    mean_error, law, variance_error = small_batch._errors(torch.randn(20, 3), 20)
    assert (mean_error, law, variance_error) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.manual_seed(0)
    return small_batch.prepare(Block(index=0, seed=0, shared_seed=0, effort=1))


@pytest.mark.parametrize(("keep", "steps"), [(True, 7), (False, 6)])
def test_dropping_the_tail_takes_one_step_less(cell: Cell, keep: bool, steps: int) -> None:
    model = mlp(64, 10, batch_norm=True)
    small_batch._train(model, cell.data, tail=4, keep=keep, epochs=1, seed=0)
    assert int(model[1].get_buffer("num_batches_tracked")) == steps


def test_a_training_that_is_refused_is_an_outcome_and_has_no_accuracy(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object, keep: bool, **__: object) -> None:
        if keep:
            raise ValueError("one row is not enough")

    monkeypatch.setattr(small_batch, "_train", refusing)
    kept, dropped = (
        measure(cell, Arm((("tail", 1), ("last_batch", last)))) for last in ("kept", "dropped")
    )
    assert kept["raised"] == 1
    assert math.isnan(float(str(kept["val_accuracy"])))
    assert dropped["raised"] == 0
    assert kept["mean_error"] == pytest.approx(dropped["mean_error"], rel=0.1)


def test_arms_start_from_the_same_weights_whatever_ran_before(cell: Cell) -> None:
    arm = Arm((("tail", 4), ("last_batch", "kept")))
    torch.manual_seed(1)
    first = measure(cell, arm)
    measure(cell, Arm((("tail", 16), ("last_batch", "dropped"))))
    torch.manual_seed(1)
    assert measure(cell, arm) == first
