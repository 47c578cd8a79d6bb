"""Exact weights against decimals."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from studies.arithmetic.weights import ratio, rounded, weights


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_weights_make_every_class_as_heavy_and_their_ratio_is_that_of_the_counts(
    first: int, last: int
) -> None:
    of_first, of_last = weights(first, last)
    assert of_first * first == of_last * last == 1
    assert ratio(first, last) == Fraction(first, last)


def test_printed_weights_are_rounded_to_five_decimals() -> None:
    assert rounded(3, 8) == [0.33333, 0.125]
