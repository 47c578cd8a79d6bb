"""The counting loop against a training that is walked by lists."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import CountingSGD, counted, odd, train
from tests.studies.arithmetic.walking import RUNS, walk


@settings(deadline=None, max_examples=60)
@given(RUNS, st.booleans(), st.booleans())
def test_it_counts_what_a_walk_by_lists_counts(run: Run, shuffle: bool, flush: bool) -> None:
    found, walked = train(run, shuffle=shuffle, flush=flush), walk(run, flush=flush)
    sizes = [size for epoch in walked.epochs for size in epoch]
    assert [list(epoch) for epoch in found.epochs] == walked.epochs
    assert list(found.sizes) == sizes
    assert list(found.distinct) == [sum(epoch) for epoch in walked.epochs]
    assert list(found.updates) == [sum(sizes[n] for n in group) for group in walked.groups]
    assert found.unused == sum(sizes[n] for n in walked.over)
    places = {n: update for update, group in enumerate(walked.groups) for n in group}
    assert list(found.sources) == [places.get(n, -1) for n in range(len(sizes))]


@given(st.integers(1, 12), st.integers(2, 60))
@settings(deadline=None, max_examples=20)
def test_it_stops_at_the_update_it_is_told(most: int, examples: int) -> None:
    found = train(Run(examples, 4, epochs=50), most=most)
    assert len(found.updates) == most
    assert len(found.sizes) == most


def test_a_sampler_decides_which_rows_come() -> None:
    class Threes(torch.utils.data.Sampler[int]):
        def __iter__(self) -> object:  # type: ignore[override]
            return iter([3, 3, 3, 1])

    found = train(Run(10, 2), sampler=Threes())
    assert found.sizes == (2, 2)
    assert found.distinct == (2,)


def test_what_an_update_is_made_of_is_read_from_the_gradient() -> None:
    weight = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = CountingSGD(weight)
    assert optimiser.waiting() == 0
    (7 * weight).backward()
    (5 * weight).backward()
    assert optimiser.waiting() == 12
    optimiser.step()
    assert optimiser.updates == [12]
    optimiser.zero_grad()
    assert optimiser.waiting() == 0


def test_a_step_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no update"):
        CountingSGD(torch.zeros((), dtype=torch.float64, requires_grad=True)).step()


def test_a_run_is_trained_once_however_many_ask() -> None:
    assert counted(Run(9, 2)) is counted(Run(9, 2))
    assert counted(Run(9, 2, accumulate=2)) is not counted(Run(9, 2, accumulate=2), flush=True)


def test_odd_updates_are_those_of_another_size() -> None:
    assert odd([4, 4, 3, 5, 4], 4) == 2
    assert odd([], 4) == 0
