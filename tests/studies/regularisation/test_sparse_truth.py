"""Made-up regressions, and both penalties tuned."""

from __future__ import annotations

import numpy as np
import pytest

from studies.regularisation.sparse_truth import (
    DENSE,
    FEW_REAL,
    SPARSE,
    TRUTHS,
    Problem,
    draw,
    error,
    relevant_zeros,
    ridge,
    tuned,
)


@pytest.mark.parametrize(("truth", "relevant"), [(SPARSE, 5), (DENSE, 50), (FEW_REAL, 3)])
def test_a_problem_has_its_relevant_features_and_its_noise(truth: str, relevant: int) -> None:
    problem = draw(TRUTHS[truth], 100, 0.5, seed=3)
    assert (problem.weights != 0).sum() == relevant
    assert problem.x.shape == (100, len(problem.weights))
    assert problem.x.mean(axis=0) == pytest.approx(np.zeros(len(problem.weights)), abs=1e-9)
    by_truth = np.linalg.lstsq(problem.fresh_x, problem.fresh_y - problem.fresh_y.mean())[1]
    unexplained = by_truth[0] / len(problem.fresh_y) / problem.fresh_y.var()
    assert unexplained == pytest.approx(0.5, abs=0.12)


def test_ridge_is_the_solution_of_its_normal_equations() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((20, 30)), rng.standard_normal(20)
    strengths = np.array([0.1, 10.0])
    for strength, found in zip(strengths, ridge(x, y, strengths), strict=True):
        expected = np.linalg.solve(x.T @ x + strength * np.eye(30), x.T @ y)
        assert found == pytest.approx(expected, abs=1e-9)


def test_without_noise_both_find_the_truth_and_l1_finds_what_is_idle() -> None:
    problem = draw(TRUTHS[SPARSE], 300, 0.999, seed=4)
    l1, l2 = tuned(problem, seed=4)
    sd = problem.fresh_y.std()
    assert max(error(problem, l1), error(problem, l2)) < 0.01 * sd**2
    assert ((l1 == 0) & (problem.weights == 0)).sum() > 10
    assert relevant_zeros(l1, problem.weights) == 0
    assert not (l2 == 0).any()


def test_the_error_is_that_on_fresh_rows() -> None:
    ones = np.ones((2, 1))
    problem = Problem(ones, ones[:, 0], 2 * ones, np.array([1.0, 5.0]), np.ones(1))
    assert error(problem, np.array([1.0])) == pytest.approx((1 + 9) / 2)
    assert relevant_zeros(np.array([0.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.0])) == 1
