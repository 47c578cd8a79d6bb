"""Numbers and words as every reader meets them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.words import amount, interval, number, plain, plural, sentence_case, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.012345, "0.0123"),
        (-1.2345, "-1.23"),
        (999.4, "999"),
        (1834.2, "1,834"),
        (123456.0, "123,456"),
        (2.13e7, "2.13e+07"),
        (3.2e-7, "3.2e-07"),
        (math.inf, "inf"),
    ],
)
def test_a_number_has_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(1e-4, 9e5))
def test_a_printed_number_is_the_number_to_half_a_percent(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=5.01e-3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "1", "0.5"),
        (0.5, "nat", "0.5 nat"),
        (1.0, "warnings", "1 warning"),
        (1.0, "passes", "1 pass"),
        (1.0, "batches", "1 batch"),
        (2.0, "batches", "2 batches"),
        (1.0, "s.d.", "1 s.d."),
        (1.0, "MiB", "1 MiB"),
        (2.5e-3, "s", "2.5 ms"),
        (2.5e-6, "s", "2.5 µs"),
        (2.5e-9, "s", "2.5 ns"),
        (2.5, "s", "2.5 s"),
        (0.0, "s", "0 s"),
    ],
)
def test_an_amount_has_the_unit_that_suits_it(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (0.5, 0.6, "1", "0.5 to 0.6"),
        (0.5, 0.6, "nat", "0.5 to 0.6 nat"),
        (0.5, 0.5, "nat", "0.5 nat"),
        (1e-3, 2e-3, "s", "1 to 2 ms"),
        (9e-4, 2e-3, "s", "900 µs to 2 ms"),
        (0.0, 12.0, "of 20 rows", "0 to 12 of 20 rows"),
    ],
)
def test_an_interval_names_its_unit_once(low: float, high: float, unit: str, text: str) -> None:
    assert interval(low, high, unit) == text


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("the loss", "The loss"),
        ("no_grad saves", "no_grad saves"),
        ("eval() helps", "eval() helps"),
        ("torch.nn is", "torch.nn is"),
        ("ReLU is", "ReLU is"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name(
    text: str, begun: str
) -> None:
    assert sentence_case(text) == begun


@given(st.text(max_size=900))
def test_what_is_shown_holds_no_control_character(text: str) -> None:
    assert shown(text).isprintable()
    assert plain(text).isprintable()


def test_escapes_of_a_terminal_are_shown_as_such() -> None:
    assert shown("\x1b[31mred\x1b[0m\nnext") == r"\x1b[31mred\x1b[0m\nnext"
    assert plain("a\n\tb \x1b[2J") == r"a b \x1b[2J"


def test_a_long_text_is_cut_with_its_length() -> None:
    assert shown("x" * 1234, 10) == "xxxxxxxxxx... (1,234 characters)"
    assert shown("x" * 10, 10) == "x" * 10


def test_a_count_and_its_noun() -> None:
    assert plural(1, "block") == "1 block"
    assert plural(1200, "block") == "1,200 blocks"
