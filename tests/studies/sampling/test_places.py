"""Fairness of a place, against uniform draws and planted departures."""

from __future__ import annotations

import numpy as np
import pytest

from studies.sampling.drawing import IN_ORDER, SHUFFLED
from studies.sampling.places import BATCH, ROWS, examples_at, fairness


def test_each_example_once_is_perfectly_fair() -> None:
    found = fairness(np.arange(ROWS).reshape(-1, 8))
    assert found["off_middle"] == pytest.approx(0)
    assert found["off_tenth"] == pytest.approx(0)


def test_a_planted_shift_is_measured_in_shares_of_the_data() -> None:
    upper = np.arange(ROWS // 2, ROWS)
    found = fairness(upper)
    assert found["off_middle"] == pytest.approx(0.25)
    assert found["off_tenth"] == pytest.approx(0.1)


def test_a_place_that_prefers_both_ends_has_a_fair_mean_and_is_found_out() -> None:
    ends = np.concatenate([np.arange(100), np.arange(ROWS - 100, ROWS)])
    found = fairness(ends)
    assert found["off_middle"] == pytest.approx(0)
    assert found["off_tenth"] == pytest.approx(0.4)


def test_places_are_those_of_the_epoch() -> None:
    at = examples_at(IN_ORDER, 2)
    assert at["first"].tolist() == [[*range(BATCH)]] * 2
    assert at["last"].tolist() == [[*range(ROWS - ROWS % BATCH, ROWS)]] * 2
    assert at["middle"][0, 0] == 16 * BATCH
    assert examples_at(SHUFFLED, 3)["first"].shape == (3, BATCH)
