"""Filling in the pages' templates."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from harness.publishing import markdown
from harness.publishing.markdown import cell, render


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of planted templates in place of the project's."""
    monkeypatch.setattr(markdown, "PackageLoader", lambda _: jinja2.FileSystemLoader(tmp_path))
    return tmp_path


def test_a_name_that_the_context_lacks_is_an_error_and_no_gap(templates: Path) -> None:
    (templates / "page").write_text("{{ here }} {{ missing }}\n")
    with pytest.raises(jinja2.UndefinedError, match="'missing' is undefined"):
        render("page", here=1)


def test_a_bar_in_a_cell_does_not_end_it(templates: Path) -> None:
    (templates / "page").write_text("| {{ words | cell }} |\n")
    assert render("page", words="a|b") == "| a\\|b |\n"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a*b_c", r"a\*b\_c"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[a](b)", r"\[a\](b)"),
        ("`x`", r"\`x\`"),
        ("line\nline", r"line\\nline"),
        ("\x1b[31m", r"\\x1b\[31m"),
    ],
)
def test_what_markdown_would_take_for_its_own_is_shown_letter_by_letter(
    text: str, safe: str
) -> None:
    assert cell(text) == safe


def test_a_text_that_is_too_long_is_cut_and_says_how_long_it_was() -> None:
    assert cell("x" * 5000).endswith("x... (5,000 characters)")
