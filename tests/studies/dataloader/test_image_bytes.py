"""Bytes are counted where the system is asked for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Self

import pytest
from PIL import Image

from harness.design.factors import Arm, Block
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.image_bytes import TINY, USUAL, measure, prepare

IO = Path("/proc/self/io")


def system_reads() -> int:
    found = re.search(r"^rchar: (\d+)$", IO.read_text(), re.MULTILINE)
    assert found
    return int(found[1])


@pytest.mark.skipif(not IO.is_file(), reason="the system does not tell what it was asked for")
@pytest.mark.parametrize("side", [64, 512])
def test_the_count_is_that_of_the_system(side: int) -> None:
    folder = ImageFolder([photo(0, side, side)])
    path = folder.paths[0]
    Image.open(path).load()  # plugins are imported at the first time, which reads their files
    before = system_reads()
    idle = system_reads() - before
    before = system_reads()
    with Image.open(path) as image:
        opened = system_reads() - before - idle
        image.load()
    found = measure({"64 x 64": folder}, Arm((("file", "64 x 64"),)))
    assert found["read_by_open"] == pytest.approx(opened / Path(path).stat().st_size, rel=1e-3)
    assert found["read"] == 1


class Half:
    """An image that reads half of its file when it is opened, and the rest when it is loaded."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        raw = file.raw  # type: ignore[attr-defined]  # a buffered file has one
        raw.readinto(bytearray(Path(raw.name).stat().st_size // 2))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def load(self) -> None:
        self.file.read()


def test_what_is_read_at_once_is_told_from_what_is_read_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = ImageFolder([photo(0, 512, 512), photo(1, 512, 512)])
    monkeypatch.setattr(Image, "open", Half)
    found = measure({"64 x 64": folder}, Arm((("file", "64 x 64"),)))
    assert found["read_by_open"] == pytest.approx(0.5, abs=1e-3)
    assert found["read"] == 1


def test_files_of_usual_size_have_fifty_kilobytes_and_tiny_ones_have_not() -> None:
    folders = prepare(Block(0, 1, 2))
    sizes = {
        name: [Path(path).stat().st_size for path in folder.paths]
        for name, folder in folders.items()
    }
    assert min(size for name in USUAL for size in sizes[name]) >= 50_000
    assert max(size for name in TINY for size in sizes[name]) < 50_000
