"""Citations found again, whatever they went through."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.publishing.citation import FORMS, apa, bibtex, csl, written
from harness.publishing.statements import read_statements, statements, statements_in
from tests.harness.publishing.test_citation import CITED, HOSTILE

STUDY = replace(CITED, kind="study", id="planted", verdict="3 reproduced, 1 not measurable")
RUN = replace(STUDY, kind="run", id=CITED.runs[0], says="", sentence="")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_in_any_form_is_read_again(form: str) -> None:
    joined = replace(CITED, counterpart="cpu", runs=("a/b", "a/c"), commits=("b1", "c1"))
    cited = [CITED, STUDY, RUN, joined]
    found = statements_in(written(cited, form).encode(), "it")  # type: ignore[arg-type]
    assert [(s.kind, s.id, s.verdict, s.counterpart) for s in found] == [
        (c.kind, c.id, c.verdict, c.counterpart) for c in cited
    ]
    assert [(s.runs, s.commits, s.device) for s in found] == [
        (c.runs, c.commits, c.device) for c in cited
    ]
    assert found[0].said == f'"{CITED.says}" {CITED.sentence}'
    assert found[2].said == ""


@given(st.text(max_size=40), st.text(max_size=40))
def test_words_of_any_kind_hide_no_statement_and_change_none(says: str, sentence: str) -> None:
    cited = replace(CITED, verdict="mixed", says=says + HOSTILE, sentence=sentence + HOSTILE)
    for form in FORMS:
        first, second = statements_in(written([cited, CITED], form).encode(), "it")
        assert (first.id, first.verdict, first.runs) == (CITED.id, "mixed", CITED.runs)
        assert second.said == f'"{CITED.says}" {CITED.sentence}'


def test_broken_lines_and_typographic_quotation_marks_change_nothing() -> None:
    text = apa(CITED).replace(" ", "\n ").replace('"A', "\u201cA").replace('."', ".\u201d")
    assert statements(f"See {text}, and more.") == statements(apa(CITED))


def test_the_fields_of_an_entry_may_stand_in_any_order() -> None:
    head, *fields, end = bibtex(CITED).splitlines()
    fields = sorted(field.rstrip(",") for field in fields)
    text = "\n".join([head, ",\n".join(fields), end])
    assert text.index("note = ") < text.index("title = ")
    assert statements_in(text.encode(), "it")[0].verdict == "refuted"


def test_latex_in_a_text_that_is_no_bibtex_is_read() -> None:
    _, _, note = bibtex(CITED).partition("note = {{")
    title = r"\bibitem{x} Claim P-up-1, refuted: ``A shift goes up.''"
    assert statements_in(f"{title} {note}".encode(), "it")[0].runs == CITED.runs


def test_items_are_found_in_one_item_a_list_and_a_library() -> None:
    item = csl(CITED)
    for content in (item, [item, 5, {"title": None}], {"items": [item]}):
        (found,) = statements_in(json.dumps(content).encode(), "it")
        assert found.id == "P-up-1"


def test_a_head_without_a_source_and_a_source_without_a_head_say_nothing() -> None:
    whole = apa(CITED)
    assert statements(whole.partition("(Version")[0]) == []
    assert statements(CITED.source) == []
    assert statements("") == []


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"", "no citation of training-claims is in it"),
        ("a.txt", b"[1] nothing of ours", "no citation of training-claims is in it"),
        ("a.json", b"[{", "this is not whole JSON"),
        ("a.json", b"[1]", "no citation of training-claims is in it"),
        ("a.json", b"[" * 100_000, "this is not whole JSON"),
        ("a.bib", b"@misc{a, title = {b", "the BibTeX entry in line 1 does not end"),
        ("a.bib", b"@misc{a, title = {b}}", "no citation of training-claims is in it"),
        ("a.txt", b"\xff\xfe\x00", "this is no text, and no pptx"),
        ("a.pptx", b"", "this is no whole pptx"),
        ("a.pptx", b"PK\x03\x04 and no more", "this is no whole pptx"),
    ],
)
def test_what_is_no_citation_is_refused_in_a_sentence(
    name: str, content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=sentence) as refused:
        read_statements(path)
    assert "\n" not in str(refused.value)
    assert name in str(refused.value)


def test_a_file_that_cannot_be_read_or_is_huge_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        read_statements(tmp_path)
    with pytest.raises(HarnessError, match="nowhere: cannot be read"):
        read_statements(tmp_path / "nowhere")
    monkeypatch.setattr("harness.publishing.statements.LARGEST", 3)
    (tmp_path / "a.txt").write_text("four")
    with pytest.raises(HarnessError, match="is no citation"):
        read_statements(tmp_path / "a.txt")
