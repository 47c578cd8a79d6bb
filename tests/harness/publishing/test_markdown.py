"""Filling in the pages' templates."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from harness.publishing import markdown
from harness.publishing.markdown import render


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
    ("estimate", "unit", "shown"),
    [("0.12345", "1", "0.123 (0.1 to 0.2)"), ("7", "ms", "7 ms (0.1 to 0.2)"), ("", "ms", "")],
)
def test_an_interval_has_three_digits_and_its_unit_or_is_empty(
    estimate: str, unit: str, shown: str, templates: Path
) -> None:
    (templates / "page").write_text("{{ row | interval }}")
    row = {"estimate": estimate, "low": "0.1", "high": "0.2", "unit": unit}
    assert render("page", row=row) == shown
