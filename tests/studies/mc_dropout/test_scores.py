"""Scores of an uncertainty agree with scikit-learn and with counting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from studies.mc_dropout.scores import auroc, error_of_kept

STREAM = np.random.default_rng(3)
UNCERTAINTY = STREAM.normal(size=(4, 60)).round(1)
WRONG = STREAM.random((4, 60)) < 0.3


def test_the_area_is_that_of_scikit_learn_with_ties() -> None:
    expected = [roc_auc_score(w, u) for w, u in zip(WRONG, UNCERTAINTY, strict=True)]
    assert auroc(UNCERTAINTY, WRONG).tolist() == pytest.approx(expected)


def test_the_area_is_one_half_where_nothing_is_told_and_one_where_all_is() -> None:
    assert auroc(np.zeros((1, 60)), WRONG[:1]).tolist() == [0.5]
    assert auroc(WRONG[:1].astype(float), WRONG[:1]).tolist() == [1.0]
    assert np.isnan(auroc(UNCERTAINTY[:1], np.zeros((1, 60), dtype=bool))).all()


def test_errors_of_the_kept_are_counted_after_the_least_certain_are_gone() -> None:
    uncertainty = np.array([[0.1, 0.9, 0.5, 0.7, 0.2]])
    wrong = np.array([[False, True, False, True, True]])
    kept = error_of_kept(uncertainty, wrong, (0.0, 0.2, 0.4, 0.6))
    assert kept[0].tolist() == pytest.approx([3 / 5, 2 / 4, 1 / 3, 1 / 2])
