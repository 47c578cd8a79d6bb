"""Causes of a gap between validation and production."""

from __future__ import annotations

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from studies.bugs.gaps import CAUSE, COVARIATE, DOSES, LABEL, OVERLAP, TUNING, measure
from studies.bugs.samples import CANCER, load_tables

CURVES = ("validation", "production")
TABLES = load_tables()


def measured(cause: str, seed: int = 3) -> dict[str, np.ndarray]:
    arm = Arm((("cause", cause), ("data", CANCER)))
    found = measure(Block(0, seed, 4, run=TABLES), arm)
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("cause", CAUSE.levels)
def test_a_cause_is_measured_at_every_dose_and_repeats(cause: str) -> None:
    found = measured(cause)
    for name in CURVES:
        assert found[name].shape == (len(DOSES),)
        assert ((found[name] >= 0) & (found[name] <= 100)).all()
    assert found["largest_gap"] == (found["validation"] - found["production"]).max()
    again = measured(cause)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_overlap_lifts_validation_and_the_shifts_push_production_down() -> None:
    overlap = measured(OVERLAP)
    assert np.ptp(overlap["production"]) == 0
    assert (np.diff(overlap["validation"]) > 0).all()
    for cause in (COVARIATE, LABEL):
        shifted = measured(cause)
        assert np.ptp(shifted["validation"]) == 0
        assert shifted["production"][-1] <= shifted["production"][0]


def test_with_more_settings_the_best_one_never_validates_worse() -> None:
    assert (np.diff(measured(TUNING)["validation"]) >= 0).all()
