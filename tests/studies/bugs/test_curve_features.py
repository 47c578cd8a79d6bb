"""The numbers that describe a curve."""

from __future__ import annotations

import numpy as np

from studies.bugs.curve_features import (
    CEILING,
    FLOOR,
    STRETCHES,
    logarithm,
    stretches,
    validation_features,
)


def test_what_overflowed_is_at_the_ceiling_and_nothing_is_lost() -> None:
    found = logarithm(np.array([[1.0, 0.0], [np.nan, np.inf], [100.0, 1e30]]))
    assert found.tolist() == [
        [0, np.log10(FLOOR)],
        [np.log10(CEILING)] * 2,
        [2, np.log10(CEILING)],
    ]


def test_a_stretch_has_its_mean_and_its_mean_change() -> None:
    straight = np.arange(4.0 * STRETCHES)[:, None]
    jagged = np.tile([0.0, 1.0], 2 * STRETCHES)[:, None]
    found = stretches(np.hstack([straight, jagged]))
    assert found.shape == (2, 2 * STRETCHES)
    assert found[0, :STRETCHES].tolist() == [1.5 + 4 * n for n in range(STRETCHES)]
    assert (found[0, STRETCHES:] == 1).all()
    assert (found[1, :STRETCHES] == 0.5).all()
    assert (found[1, STRETCHES:] == 1).all()


def test_validation_that_jumps_is_described_by_its_scatter() -> None:
    steady = np.full((6, 1), 0.5)
    jumping = np.tile([[0.5], [0.7]], (3, 1))
    calm, noisy = (
        validation_features({"train_loss": steady, "val_loss": steady, "val_score": score})
        for score in (steady, jumping)
    )
    changed = np.flatnonzero(calm != noisy)
    assert np.isclose(noisy[0, changed], [0.7, 0.6 + 0.1 / 3, 0.2, 0.7]).all()
