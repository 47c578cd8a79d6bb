"""The arithmetic in words: its numbers, its reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.publishing.arithmetic_told import rows, sentences, sizes, title
from harness.workloads.arithmetic import Run, looped

RUNS = st.builds(
    Run,
    st.integers(1, 500),
    st.integers(1, 70),
    st.integers(1, 5),
    st.integers(1, 9),
    st.booleans(),
)


def told(run: Run) -> str:
    return " ".join(sentences(run, looped(run)))


@given(RUNS)
def test_it_agrees_in_words_exactly_where_every_row_agrees(run: Run) -> None:
    agree = all(given == done for _, _, given, done in rows(run, looped(run)))
    assert told(run).startswith("Formula and loop agree") == agree


@given(RUNS)
def test_numbers_of_the_reasons_are_those_of_the_rows(run: Run) -> None:
    does = looped(run)
    text = told(run)
    if does.left_over and does.updates:
        assert f"with {does.unused:,} example" in text
        assert f"formula says: {run.updates:,}." in text
        assert ("next epoch" in text) == (run.epochs > 1)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (Run(10, 5), "agree in every number"),
        (Run(10, 4), "the last update of every epoch is of 2 examples instead of 4"),
        (Run(10, 4, drop_last=True), "Dropped in every epoch: 2 examples."),
        (Run(9, 4, drop_last=True), "Dropped in every epoch: 1 example."),
        (Run(3, 4, drop_last=True), "nothing is trained on"),
        (Run(20, 4, accumulate=2), "Over at the end of every epoch: 1 batch with 4 examples"),
        (Run(20, 4, 2, accumulate=2), "of 12 examples instead of 8"),
        (Run(8, 4, 9, accumulate=3), "never updates a weight: an epoch has 2 batches"),
    ],
)
def test_each_way_to_part_has_its_reason(run: Run, reason: str) -> None:
    assert reason in told(run)


def test_updates_of_several_sizes_are_told_apart() -> None:
    assert sizes(looped(Run(20, 4, 2, accumulate=2))) == "8 (3 times)\n12 (1 time)"
    assert sizes(looped(Run(16, 4, 2, accumulate=2))) == "8"
    assert sizes(looped(Run(4, 4, accumulate=2))) == "no update"


def test_the_title_names_what_was_asked() -> None:
    assert title(Run(1, 1)) == "1 example (N) in batches of 1 (B), 1 epoch"
    long = title(Run(2000, 32, 3, 4, drop_last=True))
    assert long.startswith(
        "2,000 examples (N) in batches of 32 (B), 3 epochs, 4 batches to a weight"
    )
    assert long.endswith("; a last batch that is not full is dropped")
