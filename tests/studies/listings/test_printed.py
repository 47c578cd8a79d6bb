"""What counts as the printed number, and what of it is judged."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness import Beyond, Claim
from studies.listings.printed import NUMBERS, Printed, rules

MSE = Printed("any", "listing 1", "error", "0.0421", ".4f")
COUNT = Printed("any", "listing 1", "count", "312")


def test_a_number_is_as_printed_to_the_last_digit_shown_and_no_further() -> None:
    assert MSE.is_as_printed(0.04212)
    assert MSE.is_as_printed(0.042051)
    assert not MSE.is_as_printed(0.04204)
    assert COUNT.is_as_printed(312)
    assert not COUNT.is_as_printed(313)


def test_the_range_is_that_of_numbers_as_they_would_be_printed() -> None:
    assert MSE.span([0.04206, 0.05]) == (0.0421, 0.05)
    assert MSE.is_within([0.04214, 0.05])
    assert not MSE.is_within([0.04216, 0.05])
    assert not MSE.is_within([0.01, 0.042])


@given(st.floats(-10, 10), st.sampled_from(NUMBERS))
def test_a_number_prints_the_same_when_it_is_read_back_and_one_step_on_is_another(
    found: float, number: Printed
) -> None:
    text = number.as_text(found)
    assert number.as_text(float(text)) == text
    assert number.as_text(float(text) + number.step) != text


def test_every_printed_number_prints_as_its_own_text() -> None:
    for number in NUMBERS:
        assert number.is_as_printed(number.value), number
        assert number.is_within([number.value]), number


def test_every_number_is_listed_once_and_has_one_rule_and_one_beside_it() -> None:
    assert len({number.name for number in NUMBERS}) == len(NUMBERS)
    made = list(rules(NUMBERS))
    assert len(made) == 2 * len(NUMBERS)
    judged = [rule for rule in made if isinstance(rule, Claim)]
    assert len(judged) == sum(not number.beyond for number in NUMBERS)
    assert all(isinstance(rule, Beyond) for rule in made if rule not in judged)


def test_every_claim_has_one_number_that_stands_for_it() -> None:
    leading = Counter(number.claim for number in NUMBERS if number.headline)
    assert set(leading.values()) == {1}
    assert set(leading) == {number.claim for number in NUMBERS if not number.beyond}
