"""Slides as pictures: LibreOffice prints them, poppler draws them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.errors import HarnessError

#: What is needed, and the package of Debian and the like that has it.
PROGRAMS = {"soffice": "LibreOffice (libreoffice-impress)", "pdftoppm": "poppler-utils"}
PIXELS = 1920, 1080
_SECONDS = 60, 5


def check_programs() -> None:
    """Look for the programs before anything is made.

    Raises:
        HarnessError: names what is missing.
    """
    missing = [f"{name} of {of}" for name, of in PROGRAMS.items() if shutil.which(name) is None]
    if missing:
        raise HarnessError(
            f"Slides as pictures need {' and '.join(missing)}, which is not installed here; "
            "--format pptx and --format marp need nothing."
        )


def pictures_of(pptx: bytes, count: int) -> list[bytes]:
    """Every slide of a presentation as a png.

    Args:
        pptx: the presentation.
        count: how many slides it has.

    Raises:
        HarnessError: a program is missing, or fails.
    """
    check_programs()
    with tempfile.TemporaryDirectory() as folder:
        deck = Path(folder) / "slides.pptx"
        deck.write_bytes(pptx)
        # A profile of its own: one that a window of LibreOffice holds open would refuse this.
        profile = f"-env:UserInstallation={(Path(folder) / 'profile').as_uri()}"
        seconds = _SECONDS[0] + _SECONDS[1] * count
        to_pdf = ("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", folder)
        _run([*to_pdf, str(deck)], seconds)
        size = ("-scale-to-x", str(PIXELS[0]), "-scale-to-y", str(PIXELS[1]))
        _run(["pdftoppm", "-png", *size, str(deck.with_suffix(".pdf")), f"{folder}/page"], seconds)
        pages = sorted(Path(folder).glob("page-*.png"), key=_number)
        if len(pages) != count:
            raise HarnessError(f"LibreOffice made {len(pages)} pictures of {count} slides.")
        return [page.read_bytes() for page in pages]


def _number(page: Path) -> int:
    return int(re.sub(r"\D", "", page.stem))


def _run(command: list[str], seconds: float) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{command[0]} did not do its work ({error}).") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise HarnessError(f"{command[0]} did not do its work ({said}).")
