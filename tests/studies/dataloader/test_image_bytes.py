"""Bytes are counted where the system is asked for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from harness.design.factors import Arm
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.image_bytes import measure

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


def test_opening_reads_little_of_a_large_file_and_all_of_a_tiny_one() -> None:
    shares = []
    for side in (16, 512):
        folder = ImageFolder([photo(0, side, side)])
        shares.append(measure({"64 x 64": folder}, Arm((("file", "64 x 64"),)))["read_by_open"])
    assert shares[0] == 1
    assert isinstance(shares[1], float)
    assert shares[1] < 0.2
