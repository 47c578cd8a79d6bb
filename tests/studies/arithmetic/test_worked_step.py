"""When an output counts as nearer to its target."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from studies.arithmetic.by_hand import exact
from studies.arithmetic.worked_step import fractions, nearer


def test_nearer_is_nearer_on_either_side() -> None:
    step = exact()
    for before, after, is_so in (("0", "1.5", True), ("0", "2", False), ("0.9", "1.2", False)):
        planted = replace(step, outputs=fractions(before), outputs_after=fractions(after))
        assert nearer(planted) is is_so


def test_decimals_are_taken_exactly() -> None:
    assert fractions("0.1", "-2.2") == [Fraction(1, 10), Fraction(-11, 5)]
