"""The counts and the printed lines, on other numbers than the document's."""

from __future__ import annotations

from typing import Any

import pytest

from harness import printed
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import counted, epoch
from studies.arithmetic.ten_thousand import (
    delivered,
    first_update,
    full_batches,
    print_accumulated,
    print_plain,
    updates,
)


def as_python(examples: int, batch: int, epochs: int, accumulate: int) -> dict[str, Any]:
    """The numbers by counting over a range, with no formula."""
    starts = range(0, examples, batch)
    return {
        "batches": len(starts),
        "last": examples - starts[-1],
        "updates": epochs * len(range(0, examples, batch * accumulate)),
        "seen": epochs * examples,
    }


@pytest.mark.parametrize("numbers", [(103, 10, 2, 1), (100, 10, 3, 1), (7, 9, 4, 1), (70, 7, 2, 3)])
def test_the_function_prints_a_number_a_line(numbers: tuple[int, int, int, int]) -> None:
    run, expected = Run(*numbers), as_python(*numbers)
    assert printed(lambda: print_plain(run))() == "\n".join(
        str(expected[name]) for name in ("batches", "last", "updates", "seen")
    )
    assert printed(lambda: print_accumulated(run))() == (
        f"{numbers[1] * numbers[3]}\n{expected['updates']}"
    )


def test_counts_are_those_of_the_loop() -> None:
    run = Run(103, 10, epochs=2)
    assert epoch(run) == (11, 3)
    assert updates(run) == 22
    assert delivered(run) == 206
    assert full_batches(counted(run)) == 10
    assert full_batches(counted(Run(3, 10))) == 0  # no batch but the last
    grouped = Run(103, 10, epochs=2, accumulate=2)
    assert first_update(grouped) == 20
    assert updates(grouped) == 10
    assert updates(grouped, flush=True) == 12
