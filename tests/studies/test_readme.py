"""The README: short, and true of what it names."""

from __future__ import annotations

import re
from pathlib import Path

from harness.catalogue.claims import read_catalogue
from harness.publishing.pages import BEGIN, BEGIN_FOLLOWED, END, END_FOLLOWED, FOLLOWED
from studies.documents import DOCUMENTS

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_it_is_read_in_one_go() -> None:
    assert len(README.encode()) < 12_000


def test_it_names_the_four_documents() -> None:
    for document in DOCUMENTS.values():
        assert f"| {document.key} | {document.title} |" in README


def test_it_has_exactly_two_commands_in_their_section() -> None:
    section = README.partition("## Two commands")[2].partition("\n## ")[0]
    commands = re.findall(r"^    (\S.*?) +#", section, re.MULTILINE)
    assert commands == ["pip install nox && nox -s study-eval-variance", "nox -s tests"]


def test_its_generated_parts_have_their_marks_and_the_claim_it_follows_is_one() -> None:
    for mark in (BEGIN, END, BEGIN_FOLLOWED, END_FOLLOWED):
        assert README.count(mark) == 1
    assert FOLLOWED in read_catalogue()


def test_what_it_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)", README):
        assert (REPOSITORY / link).exists(), link
