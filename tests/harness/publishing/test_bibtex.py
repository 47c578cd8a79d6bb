"""BibTeX read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.publishing.bibtex import Verbatim, entry, escaped, plain_text, read_entries


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=40))
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    assert plain_text(escaped(text)) == text


@given(st.text(max_size=40))
def test_what_is_escaped_opens_as_many_braces_as_it_closes(text: str) -> None:
    depth = 0
    for character in escaped(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"a \textbackslash{} b \textbackslash\ c", "a \\ b \\ c"),
        (r"99~\% of {PyTorch}", "99 % of PyTorch"),
        (r"``a'' {\textquotedbl}b{\textquotedbl}", '"a" "b"'),
        (r"$x\geq 1$", "$x≥1$"),
        (r"\nonesuch a", "a"),
    ],
)
def test_what_other_programs_write_is_read_too(latex: str, text: str) -> None:
    assert plain_text(latex) == text


def test_entries_are_read_in_the_forms_that_other_programs_give_them() -> None:
    text = (
        "% made by hand\n@comment{nothing {here}}\n@string{me = {I}}\n"
        + entry("misc", "a", {"title": "A {b}", "year": Verbatim("2027"), "note": ""})
        + '@Article{ b ,\n  TITLE="C {"} d", month = nov , note={e\n  f} , }\n'
    )
    assert read_entries(text) == [
        {"title": "A {b}", "year": "2027"},
        {"title": 'C " d', "month": "nov", "note": "e f"},
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("@misc{a, title = {b", "the BibTeX entry in line 1 does not end"),
        ('\n@misc{a, title = "b', "the BibTeX entry in line 2 does not end"),
        ("@misc{a, title = {b}", "the BibTeX entry in line 1 does not end"),
        ("@misc{}", "the BibTeX entry in line 1 has no key"),
    ],
)
def test_a_broken_entry_is_named_by_its_line(text: str, sentence: str) -> None:
    with pytest.raises(HarnessError, match=sentence):
        read_entries(text)
