"""The calculator of the command line: its options, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.runs import House

REPOSITORY = Path(__file__).parents[3]


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
