"""Stored figures as pages show them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from harness.publishing.evidence import Evidence
from harness.publishing.pictures import picture


def test_a_picture_has_the_room_of_its_png_and_both_files_to_download(tmp_path: Path) -> None:
    Image.new("RGB", (320, 200)).save(tmp_path / "a.png")
    evidence = Evidence(tmp_path, tmp_path / "site")
    alone = picture("a.png", "what is drawn", evidence)
    assert (alone["width"], alone["height"], alone["svg"]) == (320, 200, "")
    (tmp_path / "a.svg").write_text("<svg/>")
    assert picture("a.png", "what is drawn", evidence) == {
        "alt": "what is drawn",
        "png": "../a.png",
        "svg": "../a.svg",
        "width": 320,
        "height": 200,
    }


def test_a_broken_png_gets_the_room_of_a_slide(tmp_path: Path) -> None:
    for content in (b"", b"\x89PNG\r\n\x1a\n", b"no picture at all, but long enough to be one"):
        (tmp_path / "a.png").write_bytes(content)
        told = picture("a.png", "", Evidence(tmp_path, tmp_path / "site"))
        assert (told["width"], told["height"]) == (1920, 1080)
