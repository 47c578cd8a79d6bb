"""Compositions against scipy's hypergeometric law and planted batches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.design.factors import Arm, Block
from studies.sampling.drawing import IN_ORDER
from studies.sampling.representative import ROWS, SIZES, composition, measure


def test_draws_without_replacement_have_their_own_variance() -> None:
    stream = np.random.default_rng(0)
    label = np.repeat(np.arange(4), 25)
    drawn = np.stack([stream.permutation(label)[:20] for _ in range(20_000)])
    found = composition(drawn, (25, 25, 25, 25))
    assert found["variance"] == pytest.approx(1, abs=0.03)
    none = stats.hypergeom(100, 25, 20).pmf(20)
    assert found["mixed"] == pytest.approx(1 - 4 * none, abs=1e-3)


def test_draws_with_replacement_vary_more_by_the_known_factor() -> None:
    stream = np.random.default_rng(0)
    found = composition(stream.integers(0, 2, (20_000, 50)), (50, 50))
    assert found["variance"] == pytest.approx(99 / 50, rel=0.05)


def test_pure_batches_hold_one_class() -> None:
    pure = np.repeat([[0], [1]], 16, axis=1)
    assert composition(pure, (960, 960))["mixed"] == 0
    mixed = pure.copy()
    mixed[0, 3] = 1
    assert composition(mixed, (960, 960))["mixed"] == 0.5


def test_every_set_has_the_same_number_of_rows() -> None:
    assert {sum(sizes) for sizes in SIZES.values()} == {ROWS}


def test_stored_classes_come_one_after_the_other() -> None:
    arm = Arm((("loader", IN_ORDER), ("classes", "ten"), ("batch", 64)))
    found = measure(Block(0, 1, 2, effort=30), arm)
    assert found["mixed"] == 0
