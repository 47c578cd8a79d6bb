"""Which count is nearest, and how far an about-value reaches, on planted listings."""

from __future__ import annotations

import pytest

from studies.arithmetic.line_counts import about, natural, nearest, of_component
from studies.arithmetic.listings import SCRIPT, Component, Listing


def test_natural_counts_are_of_the_whole_and_of_the_body() -> None:
    #                    all: 6 and 5, not empty: 5 and 4, code: 4 and 3, statements: 3 and 2
    assert natural(Listing(1, "c#.cc+")) == {6, 5, 4, 3, 2}
    assert natural(Listing(1, "c")) == {1, 0}


def test_a_component_counts_by_its_listing_and_in_the_script() -> None:
    comment, code = (SCRIPT.first + SCRIPT.kinds.index(sign) for sign in "#c")
    in_script = (comment, code)
    assert of_component(Component(1, in_script)) == {1, 2}
    assert of_component(Component(1, in_script, Listing(1, "cc++.#"))) == {1, 2, 4, 5}


@pytest.mark.parametrize(
    ("counts", "stated", "found"), [([3, 9], 5, 3), ([3, 9], 8, 9), ([4, 6], 5, 6), ([7], 1, 7)]
)
def test_the_nearest_count_stands_for_all(counts: list[int], stated: int, found: int) -> None:
    assert nearest(counts, stated) == found
    assert nearest(counts[::-1], stated) == found


def test_about_is_a_fifth_or_a_line() -> None:
    assert about(10) == 2
    assert about(5) == about(2) == 1
