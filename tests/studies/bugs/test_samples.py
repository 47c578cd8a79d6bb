"""The rows and models of the experiments on leakage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Block
from harness.errors import HarnessError
from studies.bugs.samples import (
    CANCER,
    DIGITS,
    FEW,
    LINEAR,
    NEAREST,
    PERCEPTRON,
    SPIRAL,
    WINE,
    WRONG,
    Sample,
    known_and_fresh,
    learn,
    load_tables,
    mislabelled,
    off_symptom,
    table_of,
)

TABLES = load_tables()


@pytest.mark.parametrize("data", [DIGITS, WRONG, FEW, CANCER, WINE, SPIRAL])
def test_known_and_fresh_rows_are_all_rows_once(data: str) -> None:
    known, fresh = known_and_fresh(data, np.random.default_rng(0), TABLES)
    total = {SPIRAL: 500, CANCER: 569, WINE: 178}.get(data, 1797)
    assert len(known) + len(fresh) == total
    assert len(known) == 20 if data == FEW else abs(len(known) - len(fresh)) <= 1
    together = np.concatenate([known.x, fresh.x])
    assert len(np.unique(together, axis=0)) == len(np.unique(together.round(12), axis=0))
    if data == FEW:
        assert np.bincount(known.y).tolist() == [2] * 10


def test_columns_are_standardised_by_the_rows_to_train_on_alone() -> None:
    known, fresh = known_and_fresh(WINE, np.random.default_rng(1), TABLES)
    assert np.allclose(known.x.mean(axis=0), 0)
    assert np.allclose(known.x.std(axis=0), 1)
    assert not np.allclose(fresh.x.mean(axis=0), 0, atol=1e-3)


def test_the_stated_share_of_labels_is_wrong_and_none_of_the_others() -> None:
    rows = TABLES[DIGITS]
    wrong = mislabelled(rows, 0.25, np.random.default_rng(0))
    assert (wrong.y != rows.y).sum() == round(0.25 * len(rows))
    assert set(np.unique(wrong.y)) == set(range(10))


@pytest.mark.parametrize("model", [NEAREST, LINEAR, PERCEPTRON])
def test_every_model_learns_two_distant_clouds(model: str) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    sample = Sample(rng.standard_normal((60, 3)) + 6 * y[:, None], y)
    predict = learn(model, sample, Block(0, 1, 2), steps=60)
    new = rng.standard_normal((60, 3)) + 6 * y[:, None]
    assert (predict(new) == y).mean() > 0.95


def test_a_table_that_does_not_exist_is_refused() -> None:
    with pytest.raises(HarnessError, match="no table"):
        table_of("iris", TABLES)


@pytest.mark.parametrize(
    ("validation", "production", "distance"),
    [
        (95, 70, 0),
        (95, 50, 20),  # a gap of 45
        (80, 55, 15),  # validation lacks 15
        (100, 73, 2),  # more than 95 lacks nothing
        (90, 70, 5),
    ],
)
def test_the_symptom_is_a_gap_and_a_validation_that_looks_good(
    validation: float, production: float, distance: float
) -> None:
    assert off_symptom(validation, production) == distance
