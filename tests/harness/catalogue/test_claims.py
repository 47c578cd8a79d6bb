"""The catalogue of claims: the real one is whole, and a damaged one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.catalogue.claims import COLUMNS, read_catalogue
from harness.design.entry import Entry
from harness.errors import HarnessError
from studies.documents import DOCUMENTS

HEAD = ",".join(COLUMNS)
ROW = "P-up-1,A,Shifts,A shift goes up.,shifts,always,,number,cpu,planted"


def catalogue(path: Path, *lines: str) -> Path:
    (path / "claims.csv").write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path / "claims.csv"


def test_every_document_has_claims_and_every_claim_names_one() -> None:
    documents = {entry.document for entry in read_catalogue().values()}
    assert documents == set(DOCUMENTS)


def test_no_claim_is_its_own_twin() -> None:
    for claim, entry in read_catalogue().items():
        assert claim == entry.claim
        assert claim not in entry.same_as.split()


def test_every_entry_of_the_catalogue_has_all_its_parts_on_one_line() -> None:
    for entry in read_catalogue().values():
        for name, part in vars(entry).items():
            assert part == part.strip()
            assert part or name == "same_as"
            assert "\n" not in part
        assert re.fullmatch(rf"{entry.document}[\w.-]+", entry.claim)


def test_a_scope_is_no_sentence_of_its_own() -> None:
    """Pages, slides and the terminal set it into theirs, with a stop of their own."""
    assert not [c for c, entry in read_catalogue().items() if entry.scope.endswith((".", " "))]


def test_entries_come_in_the_file_s_order_with_quoted_commas(tmp_path: Path) -> None:
    other = (
        'P-odd-1,B,"One, two","Ä ""quoted"" shift, up.",nets,can,P-up-1,number,cpu or cuda,planted'
    )
    assert list(read_catalogue(catalogue(tmp_path, other, ROW)).values()) == [
        Entry(
            "P-odd-1",
            says='Ä "quoted" shift, up.',
            scope="nets",
            quantifier="can",
            document="B",
            section="One, two",
            kind="number",
            needs="cpu or cuda",
            study="planted",
            same_as="P-up-1",
        ),
        Entry(
            "P-up-1",
            says="A shift goes up.",
            scope="shifts",
            document="A",
            section="Shifts",
            kind="number",
            study="planted",
        ),
    ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([ROW, ROW], "row 3, column claim: 'P-up-1' stands twice"),
        ([ROW, "P-x-1,A,Shifts,says,shifts,can,,number,cpu"], "row 3 lacks a value or has too"),
        ([ROW, f"{ROW},more"], "row 3 lacks a value or has too many"),
        ([",A,Shifts,says,shifts,can,,number,cpu,planted"], "row 2 lacks a value"),
        (["P-x-1,A,Shifts,,shifts,can,,number,cpu,planted"], "row 2 lacks a value"),
        (["P-x-1,A,Shifts,says,,can,,number,cpu,planted"], "row 2 lacks a value"),
        (["P-x-1,A,Shifts,says,shifts,,,number,cpu,planted"], "row 2 lacks a value"),
        (
            ["P-x-1,A,Shifts,says,shifts,often,,number,cpu,planted"],
            "row 2: The claim P-x-1 has quantifier 'often'; it is one of always, can",
        ),
        (
            [ROW.replace("always,,", "always,P-nope-1,")],
            "P-up-1, column same_as: there is no claim 'P-nope-1'",
        ),
        (['P-x-1,A,Shifts,"unfinished,number,cpu,planted'], "the catalogue cannot be read"),
    ],
)
def test_a_damaged_row_is_refused_by_its_number(
    tmp_path: Path, lines: list[str], sentence: str
) -> None:
    path = catalogue(tmp_path, *lines)
    with pytest.raises(HarnessError, match=sentence) as refusal:
        read_catalogue(path)
    assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "content",
    [b"", b"claim,document\nA-1,A\n", HEAD.replace("says", "said").encode(), b"PAR1\x00\x01"],
)
def test_other_columns_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "claims.csv").write_bytes(content)
    with pytest.raises(HarnessError, match=f"the columns must be {', '.join(COLUMNS)}"):
        read_catalogue(tmp_path / "claims.csv")


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"claims\.csv: the catalogue cannot be read"):
        read_catalogue(tmp_path / "claims.csv")
    (tmp_path / "claims.csv").write_bytes(f"{HEAD}\n".encode() + b"\xff\xfe")
    with pytest.raises(HarnessError, match="the catalogue cannot be read"):
        read_catalogue(tmp_path / "claims.csv")
