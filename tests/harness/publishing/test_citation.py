"""How a claim, a study and a run are cited, in every form."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import parse_string

from harness.publishing.citation import FORMS, Cited, apa, bibtex, csl, written
from harness.publishing.project import Project

PROJECT = Project(("The planted contributors",), "planted: claims", "1.2.3")
CITED = Cited(
    kind="claim",
    id="P-up-1",
    verdict="refuted",
    says="A shift goes up.",
    sentence="It is 1.25 s (99 % interval 1.1 to 1.4, 9 blocks).",
    runs=("planted/2027-03-04_xeon-2c_abc",),
    commits=("abc",),
    date="2027-03-04",
    torch="2.13.0+cpu",
    machine="xeon-2c",
    device="cpu",
    project=PROJECT,
    numbers={"estimate": "1.25", "low": "1.1", "high": "1.4", "unit": "s", "blocks": "9"},
)
HOSTILE = (
    "{ }} \\ \\input{x} 100 % & # _ ^ ~ $x_{i}$ \"q\" 'a' ''b'' --- `c` <script>alert(1)</script> "
    "@misc{x, title={y}} µ ≥ ∞ 😀 é"
)
#: What the published schema of CSL JSON (csl-data.json, draft 07) knows of what is written here:
#: it requires type and id, and allows no property that it does not name.
SCHEMA = {
    "id": str,
    "type": str,
    "title": str,
    "author": list,
    "issued": dict,
    "version": str,
    "publisher": str,
    "note": str,
    "URL": str,
    "custom": dict,
}


def test_a_reference_names_claim_verdict_numbers_date_version_run_and_commit() -> None:
    assert apa(CITED) == (
        'The planted contributors. (2027, March 4). Claim P-up-1, refuted: "A shift goes up." It '
        "is 1.25 s (99 % interval 1.1 to 1.4, 9 blocks). (Version 1.2.3; run "
        "planted/2027-03-04_xeon-2c_abc; commit abc; torch 2.13.0+cpu; cpu) [Data set]. "
        "planted: claims."
    )


def test_a_counterpart_says_that_it_is_one() -> None:
    assert "Claim P-up-1 (cpu counterpart), refuted: " in apa(replace(CITED, counterpart="cpu"))


def test_of_several_runs_all_are_named_with_their_commits() -> None:
    joined = replace(CITED, runs=("planted/b", "planted/a"), commits=("b1", "a1"))
    assert "; runs planted/b, planted/a; commits b1, a1; " in apa(joined)


def test_an_address_and_several_authors_are_named_where_there_are_any() -> None:
    named = Project(("A. Able", "B. Baker"), "planted", "1", "https://planted.example/site")
    cited = replace(CITED, project=named)
    assert apa(cited).startswith("A. Able & B. Baker. (2027")
    assert apa(cited).endswith(" planted. https://planted.example/site")
    assert csl(cited)["URL"] == "https://planted.example/site"
    entry = parsed(bibtex(cited))
    assert entry.fields["url"] == "https://planted.example/site"
    assert [str(person) for person in entry.persons["author"]] == ["{A. Able}", "{B. Baker}"]


def parsed(text: str) -> Any:  # noqa: ANN401 - pybtex is not typed
    """The only entry, as a reader of BibTeX that is not ours takes it apart."""
    (entry,) = parse_string(text, "bibtex").entries.values()
    return entry


def test_a_bibtex_entry_has_every_field_for_an_independent_reader() -> None:
    entry = parsed(bibtex(CITED))
    assert entry.key == "P-up-1-planted-2027-03-04_xeon-2c_abc"
    assert entry.type == "misc"
    assert entry.fields["title"] == "{Claim P-up-1, refuted: ``A shift goes up.''}"
    assert entry.fields["note"].startswith(r"{It is 1.25 s (99 \% interval 1.1 to 1.4, 9 blocks).")
    assert (entry.fields["year"], entry.fields["month"]) == ("2027", "March")
    assert entry.fields["version"] == "{1.2.3}"
    assert [str(person) for person in entry.persons["author"]] == ["{The planted contributors}"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_words_break_an_entry_or_the_one_after_it(says: str, sentence: str) -> None:
    cited = replace(CITED, id=says or "x", says=sentence + HOSTILE, sentence=says + HOSTILE)
    text = written([cited, CITED], "bibtex")
    entries = parse_string(text, "bibtex").entries
    assert list(entries) == [cited.key, CITED.key]
    assert entries[CITED.key].fields["title"] == "{Claim P-up-1, refuted: ``A shift goes up.''}"
    for name in ("title", "note"):
        unescaped = re.sub(r"\\[%&#_$]", "", entries[cited.key].fields[name])
        assert not set(unescaped) & set('%&#_$^~<>|"'), name
        assert set(re.findall(r"\\(.[a-z]*)", unescaped)) <= COMMANDS


COMMANDS = {
    *("textbackslash", "textbraceleft", "textbraceright", "textasciicircum", "textasciitilde"),
    *(
        "textasciigrave",
        "textless",
        "textgreater",
        "textbar",
        "textmu",
        "textellipsis",
        "ensuremath",
        "geq",
    ),
    *("infty", "textdegree", "texttimes", "textpm", "textendash", "textemdash"),
}


def test_a_key_is_the_same_for_as_long_as_the_run_is_and_no_two_are_alike() -> None:
    odd = [replace(CITED, id=name) for name in ("a b", "a-b", "a,b", "a}b", "é")]
    assert len({each.key for each in odd}) == len(odd)
    assert all(re.fullmatch(r"[A-Za-z0-9_.+-]+", each.key) for each in odd)
    assert replace(CITED, verdict="mixed", sentence="").key == CITED.key


def check_item(item: dict[str, Any]) -> None:
    """Hold an item to what the schema requires and allows."""
    assert {"id", "type"} <= set(item) <= set(SCHEMA)
    assert all(isinstance(value, SCHEMA[name]) for name, value in item.items())
    assert item["type"] == "dataset"
    assert all(set(author) == {"literal"} for author in item["author"])
    assert set(item["issued"]) == {"date-parts"}
    ((year, month, day),) = item["issued"]["date-parts"]
    assert (year, month, day) == (2027, 3, 4)


def test_csl_json_is_as_its_schema_wants_it() -> None:
    hostile = replace(CITED, says=HOSTILE, sentence=HOSTILE, counterpart="cpu")
    items = json.loads(written([CITED, hostile], "csl"))
    for item in items:
        check_item(item)
    assert items[0]["custom"] == {
        "claim": "P-up-1",
        "verdict": "refuted",
        "estimate": "1.25",
        "low": "1.1",
        "high": "1.4",
        "unit": "s",
        "blocks": "9",
        "run": "planted/2027-03-04_xeon-2c_abc",
        "commit": "abc",
        "machine": "xeon-2c",
        "device": "cpu",
        "torch": "2.13.0+cpu",
    }


def test_a_hostile_text_stays_on_the_line_of_its_reference() -> None:
    text = apa(replace(CITED, says="a\nb\r\x1b[31m\u202ec", sentence="d\u2028e"))
    assert text.isprintable()


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_citations_ends_its_last_line(form: str) -> None:
    assert written([CITED, CITED], form).endswith("\n")  # type: ignore[arg-type]
