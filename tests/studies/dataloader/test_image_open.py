"""What is opened and what is decoded."""

from __future__ import annotations

import pytest
from PIL import ImageFile

from harness.design.factors import Arm
from studies.dataloader import image_open
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.image_open import EXPERIMENT, task
from tests.studies.planted_times import planted_table, verdicts


@pytest.mark.parametrize(("until", "decoded"), [("opened", 0), ("decoded", 3)])
def test_only_decoding_decodes(until: str, decoded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    load = ImageFile.ImageFile.load

    def counted(image: ImageFile.ImageFile) -> object:
        loaded.append(image)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    folders = {"64 x 64": ImageFolder(photo(i, 64, 64) for i in range(3))}
    task(folders, Arm((("file", "64 x 64"), ("until", until))))()
    assert len(loaded) == decoded


def test_all_sizes_together_are_a_hundred_files() -> None:
    assert sum(image_open.COUNTS.values()) == 100
    assert image_open.COUNTS.keys() == image_open.SIZES.keys()


@pytest.mark.parametrize(("opening", "verdict"), [(0.6, "reproduced"), (0.4, "refuted")])
def test_half_of_the_time_is_the_edge(opening: float, verdict: str) -> None:
    table = planted_table(
        EXPERIMENT, lambda arm: opening if ("until", "opened") in arm.levels else 1.0
    )
    found = verdicts(EXPERIMENT, table)
    assert {word for name, word in found.items() if name.startswith("beyond C1.06")} == {verdict}
