"""The calculator of the command line: its numbers, its reasons, what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.arithmetic import rows, sentences, sizes, title
from harness.workloads.arithmetic import Run, looped
from tests.harness.runs import House

REPOSITORY = Path(__file__).parents[3]
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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--examples 0 --batch 4", "The number of examples must be a whole number of 1 or more"),
        ("--examples 9 --batch -4", "The batch size must be a whole number of 1 or more, not -4."),
        ("--examples 9 --batch 4 --epochs 0", "The number of epochs must be"),
        ("--examples 9 --batch 4 --accumulate 0", "batches to a weight update must be"),
    ],
)
def test_zero_and_less_are_refused_in_a_sentence(
    arguments: str, sentence: str, house: House
) -> None:
    ended = house("arithmetic", *arguments.split())
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert sentence in ended.err


def test_all_options_reach_the_numbers(house: House) -> None:
    options = "--examples 23 --batch 4 --epochs 2 --accumulate 2 --drop-last"
    ended = house("arithmetic", *options.split())
    assert ended.code == 0
    assert "23 examples (N) in batches of 4 (B), 2 epochs, 2 batches to a weight" in ended.out
    assert "ceil(floor(N / B) / K)" in ended.out
    assert "Dropped in every epoch: 3 examples." in ended.out


def test_the_calculator_needs_no_torch() -> None:
    code = (
        "import sys; sys.argv = 'harness arithmetic --examples 9 --batch 2'.split()\n"
        "from harness.cli.app import main\n"
        "try: main()\n"
        "finally: print({'torch', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
