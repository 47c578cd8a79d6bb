"""Slides as pictures, by LibreOffice and poppler where they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.publishing.pictures import png_size
from harness.publishing.pptx_slides import pptx_of
from harness.publishing.slide_pictures import PIXELS, PROGRAMS, check_programs, pictures_of
from tests.harness.publishing.test_slide_layout import SLIDE

HERE = all(map(shutil.which, PROGRAMS))


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place where programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_programs_that_are_missing_are_named_with_what_to_install(programs: Path) -> None:
    both = "soffice of LibreOffice .libreoffice-impress. and pdftoppm of poppler-utils"
    with pytest.raises(HarnessError, match=both):
        check_programs()
    program(programs, "soffice", "")
    with pytest.raises(HarnessError, match="need pdftoppm of poppler-utils, which is not inst"):
        pictures_of(b"", 1)


@pytest.mark.parametrize(
    ("soffice", "pdftoppm", "sentence"),
    [
        ("echo no display >&2; exit 3", "", "soffice did not do its work .no display."),
        ("", "exit 4", "pdftoppm did not do its work .exit code 4."),
        ("", "", "LibreOffice made 0 pictures of 1 slides."),
    ],
)
def test_a_program_that_fails_is_named(
    soffice: str, pdftoppm: str, sentence: str, programs: Path
) -> None:
    program(programs, "soffice", soffice)
    program(programs, "pdftoppm", pdftoppm)
    with pytest.raises(HarnessError, match=sentence):
        pictures_of(b"", 1)


def test_a_program_that_cannot_be_started_is_named(programs: Path) -> None:
    for name in PROGRAMS:
        program(programs, name, "")
    (programs / "soffice").write_text("#!/nowhere/at/all\n")
    with pytest.raises(HarnessError, match="soffice did not do its work"):
        pictures_of(b"", 1)


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="there is no LibreOffice, or no poppler")
def test_every_slide_is_a_picture(tmp_path: Path) -> None:
    made = pictures_of(pptx_of([SLIDE, SLIDE], "planted", "the contributors"), 2)
    assert len(made) == 2
    path = tmp_path / "a.png"
    path.write_bytes(made[0])
    assert png_size(path) == PIXELS
