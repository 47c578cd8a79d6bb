"""Counts of lines, against a source whose lines are known, and the signs against one another."""

from __future__ import annotations

import ast
import io
import tokenize
from itertools import pairwise

import pytest

from studies.arithmetic import listings
from studies.arithmetic.listings import BEGUN, COMMENT, COMPONENTS, CONTINUED, EMPTY, Listing

SOURCE = """def f(a):
    # a comment

    b = g(a,
          1)
    if b:
        return [
            b,
        ]
    # the end
    return a  # no comment line
"""
KINDS = "c#.c+cc++#c"


def test_counts_are_those_of_python_s_own_parser() -> None:
    listing = Listing(1, KINDS)
    lines = SOURCE.splitlines()
    assert listing.all_lines() == len(lines)
    assert listing.not_empty() == sum(bool(line.strip()) for line in lines)
    statements = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.stmt)]
    assert listing.statements() == len(statements)
    coded = {
        number
        for token in tokenize.generate_tokens(io.StringIO(SOURCE).readline)
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER)
        for number in range(token.start[0], token.end[0] + 1)
    }
    assert listing.code() == len(coded)


def test_lines_are_taken_by_their_numbers_in_the_document() -> None:
    listing = Listing(100, KINDS)
    assert listing.at([100, 103, 104]).kinds == "cc+"
    assert listing.body() == Listing(101, KINDS[1:])


LISTED = {name: each for name, each in vars(listings).items() if isinstance(each, Listing)}


@pytest.mark.parametrize("name", LISTED)
def test_a_listing_has_known_signs_begins_with_a_statement_and_ends_on_code(name: str) -> None:
    kinds = LISTED[name].kinds
    assert set(kinds) <= {BEGUN, CONTINUED, COMMENT, EMPTY}
    assert kinds[0] == BEGUN
    assert kinds[-1] in (BEGUN, CONTINUED)
    for before, after in pairwise(kinds):
        assert after != CONTINUED or before in (BEGUN, CONTINUED)


@pytest.mark.parametrize("name", COMPONENTS)
def test_lines_of_a_component_are_no_empty_ones_and_all_in_the_script(name: str) -> None:
    numbers = COMPONENTS[name].in_script
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) >= listings.SCRIPT.first
    assert max(numbers) < listings.SCRIPT.first + len(listings.SCRIPT.kinds)
    assert EMPTY not in listings.SCRIPT.at(numbers).kinds


def test_no_line_of_the_script_belongs_to_two_components() -> None:
    numbers = [number for each in COMPONENTS.values() for number in each.in_script]
    assert len(set(numbers)) == len(numbers)
