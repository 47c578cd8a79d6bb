"""Counts that print a text, against exact decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from studies.listings.dropout_demo import ONES
from studies.listings.possible import HELD_OUT, LISTED, Statement, is_possible, prints, told


def exact(count: int, cases: int, places: int) -> str:
    """A share with so many decimals, in exact arithmetic."""
    share = Decimal(count) / Decimal(cases)
    return str(share.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, HELD_OUT))
def test_what_a_count_prints_is_possible_and_its_count_is_found(count: int) -> None:
    text = exact(count, HELD_OUT, 3)
    assert count in Statement((text,), (1,), HELD_OUT).counts()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_a_text_is_possible_where_some_count_prints_it(thousandths: int) -> None:
    text = f"{thousandths / 1000:.3f}"
    brute = [k for k in range(HELD_OUT + 1) if exact(k, HELD_OUT, 3) == text]
    assert list(Statement((text,), (1,), HELD_OUT).counts()) == brute


@settings(deadline=None, max_examples=30)
@given(st.integers(4000, 6000))
def test_means_of_doubled_ones_end_in_an_even_digit_and_belong_to_one_fraction(k: int) -> None:
    mean, fraction = f"{2 * k / ONES:.4f}", f"{k / ONES:.4f}"
    odd = f"{(2 * k + 1) / ONES:.4f}"
    assert list(Statement((mean, fraction), (2, 1), ONES).counts()) == [k]
    assert not list(Statement((odd,), (2,), ONES).counts())


def test_a_number_prints_with_as_many_decimals_as_the_text_has() -> None:
    assert prints(1 / 3, "0.333")
    assert not prints(1 / 3, "0.334")
    assert prints(1 / 3, "0.33")


def test_a_number_that_is_no_count_is_possible_and_one_that_is_has_to_have_one() -> None:
    assert is_possible("no penalty: final MSE")
    for name, statement in LISTED.items():
        assert is_possible(name) == bool(list(statement.counts()))


def test_a_note_names_the_counts_that_print_a_statement() -> None:
    assert told(Statement(("0.500",), (1,), 600)) == "0.500: 300/600 prints this"
    assert told(Statement(("0.501",), (1,), 600)) == "0.501: no count prints this"
