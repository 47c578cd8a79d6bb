"""The formulas of a training and the closed form of the loop, against loops that are walked."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.workloads.arithmetic import Run, looped

RUNS = st.builds(
    Run,
    examples=st.integers(1, 90),
    batch=st.integers(1, 25),
    epochs=st.integers(1, 4),
    accumulate=st.integers(1, 7),
    drop_last=st.booleans(),
)


def walked(run: Run) -> tuple[list[int], list[int], int]:
    """Sizes of all batches, examples of all updates, and what is over: by lists, step by step."""
    sizes, updates, pending = [], [], 0
    for _ in range(run.epochs):
        rows = list(range(run.examples))
        batches = [rows[start : start + run.batch] for start in range(0, len(rows), run.batch)]
        if run.drop_last:
            batches = [batch for batch in batches if len(batch) == run.batch]
        for place, batch in enumerate(batches):
            sizes.append(len(batch))
            pending += len(batch)
            if (place + 1) % run.accumulate == 0:
                updates.append(pending)
                pending = 0
    return sizes, updates, pending


@given(RUNS)
def test_the_closed_form_is_what_a_loop_does_step_by_step(run: Run) -> None:
    sizes, updates, pending = walked(run)
    does = looped(run)
    assert does.batches == run.batches == len(sizes)
    assert does.batches_per_epoch * run.epochs == len(sizes)
    assert does.last_batch == run.last_batch == (sizes[-1] if sizes else 0)
    assert does.updates == does.updates_per_epoch * run.epochs == len(updates)
    assert dict(does.update_sizes) == Counter(updates)
    assert does.examples_seen == sum(sizes)
    assert does.unused == pending
    assert sum(size * times for size, times in does.update_sizes.items()) + pending == sum(sizes)


@given(RUNS)
def test_groups_of_batches_are_as_many_as_groups_of_examples(run: Run) -> None:
    """Rounding up twice is rounding up once, so that one property serves both."""
    kept = Run(run.examples, run.batch, run.epochs, run.accumulate)
    assert kept.updates_per_epoch == math.ceil(kept.examples / (kept.batch * kept.accumulate))


@given(RUNS)
def test_formula_and_loop_part_where_a_group_is_not_full_and_by_one_update_an_epoch(
    run: Run,
) -> None:
    does = looped(run)
    assert run.updates - does.updates == run.epochs * bool(does.left_over)


def test_a_last_batch_that_is_full_is_a_whole_one_in_code_and_no_partial_one() -> None:
    assert Run(64, 32).last_batch == 32
    assert Run(64, 32).partial_batch == 0
    assert Run(65, 32).last_batch == Run(65, 32).partial_batch == 1
    assert Run(65, 32, drop_last=True).last_batch == 32


def test_numbers_beyond_a_float_stay_exact() -> None:
    assert Run(2**60 + 1, 2**30).batches_per_epoch == 2**30 + 1


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"examples": 0}, "number of examples must be a whole number of 1 or more, not 0"),
        ({"batch": -1}, "batch size must be a whole number of 1 or more, not -1"),
        ({"epochs": 1.5}, "number of epochs must be a whole number of 1 or more, not 1.5"),
        ({"accumulate": True}, "number of batches to a weight update must be a whole number"),
    ],
)
def test_a_number_that_counts_nothing_is_refused_by_its_name(
    numbers: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        Run(**{"examples": 10, "batch": 2} | numbers)
