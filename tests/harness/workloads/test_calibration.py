"""Calibration measures agree with brute force and scikit-learn, and know their own noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from harness.workloads.calibration import (
    brier_score,
    confidence_gap,
    ece_by_chance,
    expected_calibration_error,
    log_loss,
    reliability,
)

STREAM = np.random.default_rng(1)
P = STREAM.dirichlet([0.5, 0.4, 0.3], size=(2, 300))
Y = STREAM.integers(0, 3, size=(2, 300))


def drawn(p: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Labels that come true as often as the probabilities say."""
    u = np.random.default_rng(seed).random((*p.shape[:2], 1))
    labels: NDArray[np.int64] = (p.cumsum(axis=2) < u).sum(axis=2)
    return labels


def test_reliability_is_that_of_brute_force() -> None:
    found = reliability(P, Y, bins=10)
    for replica in range(2):
        for place in range(10):
            inside = [
                (max(p), int(np.argmax(p)) == y)
                for p, y in zip(P[replica], Y[replica], strict=True)
                if place / 10 < max(p) <= (place + 1) / 10
            ]
            assert found.counts[replica, place] == len(inside)
            if inside:
                means = np.mean(np.array(inside, dtype=float), axis=0)
                assert found.confidence[replica, place] == pytest.approx(means[0])
                assert found.accuracy[replica, place] == pytest.approx(means[1])
            else:
                assert np.isnan(found.accuracy[replica, place])


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    table = reliability(P, Y, bins=15)
    gaps = np.nan_to_num(np.abs(table.confidence - table.accuracy))
    expected = (gaps * table.counts).sum(axis=1) / 300
    assert expected_calibration_error(P, Y) == pytest.approx(expected)


def test_certain_and_right_is_calibrated_and_certain_and_wrong_is_not() -> None:
    p = np.zeros((1, 4, 2))
    p[..., 0] = 1
    right, wrong = np.zeros((1, 4), dtype=int), np.ones((1, 4), dtype=int)
    assert expected_calibration_error(p, right).tolist() == [0]
    assert expected_calibration_error(p, wrong).tolist() == [1]
    assert confidence_gap(p, wrong).tolist() == [1]
    assert brier_score(p, wrong).tolist() == [2]
    assert log_loss(p, right).tolist() == [0]
    assert np.isfinite(log_loss(p, wrong)).all()


def test_scores_are_those_of_scikit_learn() -> None:
    for replica in range(2):
        p, y = P[replica], Y[replica]
        assert log_loss(P, Y)[replica] == pytest.approx(metrics.log_loss(y, p))
        columns = [metrics.brier_score_loss(y == place, p[:, place]) for place in range(3)]
        assert brier_score(P, Y)[replica] == pytest.approx(sum(columns))
        right = metrics.accuracy_score(y, p.argmax(axis=1))
        assert confidence_gap(P, Y)[replica] == pytest.approx(p.max(axis=1).mean() - right)


def test_error_by_chance_is_that_of_labels_drawn_from_the_probabilities() -> None:
    errors = [expected_calibration_error(P, drawn(P, seed)) for seed in range(300)]
    expected = np.mean(errors, axis=0)
    assert ece_by_chance(P, draws=300) == pytest.approx(expected, rel=0.05)
    assert (expected > 0.01).all()


def test_probabilities_that_are_too_sure_have_more_error_than_chance() -> None:
    y = drawn(P, 7)
    sharper = P**2 / (P**2).sum(axis=2, keepdims=True)
    assert (expected_calibration_error(sharper, y) > 2 * ece_by_chance(sharper)).all()
    assert (confidence_gap(sharper, y) > 0.03).all()
    assert np.abs(confidence_gap(P, y)).max() < 0.08
    assert (log_loss(sharper, y) > log_loss(P, y)).all()
    assert (brier_score(sharper, y) > brier_score(P, y)).all()
