"""The project as citations name it."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.errors import HarnessError
from harness.publishing.project import Project, project, read_project


def test_the_project_is_that_of_its_citation_file() -> None:
    found = project()
    assert found.authors == ("The training-claims contributors",)
    assert found.title.startswith("training-claims: ")
    assert found.version == harness.__version__


def test_people_groups_and_an_address_are_read(tmp_path: Path) -> None:
    path = tmp_path / "CITATION.cff"
    path.write_text(
        "title: planted\nauthors:\n- given-names: Ada\n  name-particle: van\n"
        "  family-names: Able\n- name: A group\nrepository-code: https://planted.example/code\n"
    )
    assert read_project(path) == Project(
        ("Ada van Able", "A group"), "planted", harness.__version__, "https://planted.example/code"
    )
    path.write_text(path.read_text() + "url: https://planted.example\n")
    assert read_project(path).url == "https://planted.example"


@pytest.mark.parametrize("content", ["", "[", "title: a", "title: a\nauthors: [b]", "\0", "- a"])
def test_a_broken_file_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "CITATION.cff"
    path.write_text(content)
    with pytest.raises(HarnessError, match=r"CITATION\.cff: authors and title cannot be read"):
        read_project(path)
    with pytest.raises(HarnessError, match="nowhere"):
        read_project(tmp_path / "nowhere")
