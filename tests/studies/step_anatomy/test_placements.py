"""Rates in a row, and the loop that logs them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from studies.step_anatomy.placements import BATCHES, EPOCHS, RATE, logged, of_the_script, runs
from studies.step_anatomy.rates import of_defaults


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=30))
def test_runs_are_the_rates_counted_in_a_row(rates: list[float]) -> None:
    found = runs(rates)
    assert [rate for rate, count in found for _ in range(int(count))] == rates
    assert all(one[0] != other[0] for one, other in itertools.pairwise(found))


def test_the_script_trains_its_first_epoch_with_the_configured_rate() -> None:
    used, records = logged()
    assert used[0] == RATE
    assert len(used) == len(records) == EPOCHS


def test_all_updates_of_the_script_are_traced() -> None:
    counted = sum(count for _, count in of_the_script(of_defaults("ConstantLR")))
    assert counted == EPOCHS * BATCHES
