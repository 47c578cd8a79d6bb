"""Planted outputs are compared line by line; the scripts print all of their lines."""

from __future__ import annotations

import pytest

from harness import Noted
from harness.design.factors import Arm
from studies.listings.again import AGAIN, OTHER_SEED, Cell, differing, measure
from studies.listings.script import FIRST, LINES, LISTINGS, THIRD, in_this_process

WHOLE = [str(line) for line in range(LINES[FIRST])]


def test_lines_that_differ_or_are_missing_are_counted() -> None:
    assert differing(["a", "b"], ["a", "b"]) == 0
    assert differing(["a", "b"], ["a", "c"]) == 1
    assert differing(["a", "b", "c"], ["x"]) == 3


def test_a_run_is_compared_with_its_own_reference() -> None:
    other = [*WHOLE[:-1], "another"]
    cell = Cell(
        runs={AGAIN: {FIRST: WHOLE}, OTHER_SEED: {FIRST: other}},
        references={AGAIN: {FIRST: WHOLE}, OTHER_SEED: {FIRST: WHOLE}},
    )
    assert measure(cell, Arm((("run", AGAIN), ("listing", FIRST))))["lines_differ"] == 0
    assert measure(cell, Arm((("run", OTHER_SEED), ("listing", FIRST))))["lines_differ"] == 1


def test_a_script_that_raised_has_not_ended_well() -> None:
    cell = Cell({AGAIN: {THIRD: ["ValueError: x"]}}, {AGAIN: {THIRD: WHOLE}})
    found = measure(cell, Arm((("run", AGAIN), ("listing", THIRD))))["ended"]
    assert isinstance(found, Noted)
    assert (found.value, found.note) == (0, "ValueError: x")


@pytest.mark.slow
def test_the_scripts_print_all_of_their_lines_and_follow_their_seed() -> None:
    one, two = in_this_process(0), in_this_process(0, shift=1)
    for listing in LISTINGS:
        assert len(one[listing]) == LINES[listing]
        assert differing(one[listing], two[listing]) > 0
