"""The catalogue of claims: the real one is whole, and a damaged one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.catalogue.claims import COLUMNS, Entry, read_catalogue
from harness.errors import HarnessError

HEAD = ",".join(COLUMNS)
ROW = "P-up-1,A,Shifts,A shift goes up.,number,cpu,planted"


def catalogue(path: Path, *lines: str) -> Path:
    (path / "claims.csv").write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path / "claims.csv"


def test_the_catalogue_holds_the_503_claims_of_the_four_documents() -> None:
    entries = read_catalogue()
    assert len(entries) == 503
    assert {entry.document for entry in entries.values()} == {"A", "B", "C", "D"}
    assert sum(entry.study == "eval-variance" for entry in entries.values()) == 33
    assert all(claim == entry.claim for claim, entry in entries.items())


def test_every_entry_of_the_catalogue_has_all_its_parts_on_one_line() -> None:
    for entry in read_catalogue().values():
        for part in vars(entry).values():
            assert part == part.strip() != ""
            assert "\n" not in part
        assert re.fullmatch(rf"{entry.document}[\w.-]+", entry.claim)


def test_entries_come_in_the_file_s_order_with_quoted_commas(tmp_path: Path) -> None:
    other = 'P-odd-1,B,"One, two","Ä ""quoted"" shift, up.",number,cpu or cuda,planted'
    assert list(read_catalogue(catalogue(tmp_path, other, ROW)).values()) == [
        Entry(
            "P-odd-1", "B", "One, two", 'Ä "quoted" shift, up.', "number", "cpu or cuda", "planted"
        ),
        Entry("P-up-1", "A", "Shifts", "A shift goes up.", "number", "cpu", "planted"),
    ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([ROW, ROW], "row 3, column claim: 'P-up-1' stands twice"),
        ([ROW, "P-x-1,A,Shifts,says,number,cpu"], "row 3 lacks a value or has too many"),
        ([ROW, f"{ROW},more"], "row 3 lacks a value or has too many"),
        ([",A,Shifts,says,number,cpu,planted"], "row 2 lacks a value"),
        (["P-x-1,A,Shifts,,number,cpu,planted"], "row 2 lacks a value"),
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
