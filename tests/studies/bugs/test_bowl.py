"""A bowl without friction: formulas against recursions written out anew."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from studies.bugs.bowl import STEPS, bounded_up_to, calculated, largest_root, measure

BLOCK = Block(0, 1, 2)


def arm(rate: float, gradients: str, momentum: float = 0.0) -> Arm:
    levels = (("rate", rate), ("momentum", momentum), ("gradients", gradients), ("noise", 0.0))
    return Arm(levels)


@pytest.mark.parametrize("rate", [0.01, 1.0, 3.9])
def test_the_path_without_zero_grad_obeys_the_second_difference(rate: float) -> None:
    """w'' - 2 w' + w = -a w', from w = 1 and w' = 1 - a."""
    w, _ = calculated(rate, 0.0, kept=True)
    np.testing.assert_allclose(w[:2], [1, 1 - rate], atol=1e-12)
    np.testing.assert_allclose(w[2:] - 2 * w[1:-1] + w[:-2], -rate * w[1:-1], atol=1e-9)


@pytest.mark.parametrize("kept", [True, False])
def test_the_spread_by_noise_is_that_of_the_linear_recursion(kept: bool) -> None:
    """The covariance of (w, sum) is carried along step by step."""
    rate, noise = 0.5, 0.2
    move = np.array([[1 - rate, -rate if kept else 0.0], [1.0, 1.0 if kept else 0.0]])
    push = noise * np.array([-rate, 1.0])
    spread, expected = np.zeros((2, 2)), [0.0]
    for _ in range(STEPS):
        spread = move @ spread @ move.T + np.outer(push, push)
        expected.append(spread[0, 0])
    path, mean_square = calculated(rate, noise, kept=kept)
    np.testing.assert_allclose(mean_square - path**2, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("rate", "gradients", "diverges"),
    [
        (1.9, "reset", False),
        (2.1, "reset", True),
        (3.9, "reset", True),
        (3.5, "kept", False),
        (4.1, "kept", True),
    ],
)
def test_the_limits_are_2_and_4(rate: float, gradients: str, diverges: bool) -> None:
    found = measure(BLOCK, arm(rate, gradients))
    assert (float(str(found["decades"])) > 1) == diverges


def test_a_planted_error_in_the_formula_would_be_seen() -> None:
    assert float(str(measure(BLOCK, arm(1.0, "kept"))["gap"])) < 1e-9
    w, _ = calculated(1.01, 0.0, kept=True)
    other, _ = calculated(1.0, 0.0, kept=True)
    assert np.abs(w - other).max() > 1e-2


@pytest.mark.parametrize("rate", [1e-4, 0.01, 1.0])
@pytest.mark.parametrize("momentum", [0.1, 0.5, 0.99])
def test_with_momentum_every_rate_diverges(rate: float, momentum: float) -> None:
    """The recursion of weight, sum and buffer has an eigenvalue above 1, the root of the claim."""
    # sum' = sum + w, buffer' = m buffer + sum', w' = w - a buffer'
    move = np.array(
        [
            [1 - rate, -rate, -rate * momentum],
            [1, 1, 0],
            [1, 1, momentum],
        ]
    )
    largest = np.abs(np.linalg.eigvals(move)).max()
    assert largest > 1
    assert largest_root(rate, momentum) == pytest.approx(largest)


def test_momentum_diverges_without_zero_grad_and_converges_with_it() -> None:
    assert float(str(measure(BLOCK, arm(0.01, "kept", 0.9))["decades"])) > 1
    assert float(str(measure(BLOCK, arm(0.01, "reset", 0.9))["decades"])) < -1


def test_the_figure_tells_the_rate_below_the_first_that_runs_off() -> None:
    common = {"gradients": "kept", "momentum": 0.0, "noise": 0.0, "response": "largest"}
    ends = {0.5: 2.0, 1.0: 3.0, 2.0: 1e7, 3.0: 4.0}
    table = pd.DataFrame([common | {"rate": rate, "value": end} for rate, end in ends.items()])
    assert bounded_up_to(table, "kept") == 1.0
