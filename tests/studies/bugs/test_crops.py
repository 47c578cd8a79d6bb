"""Crops of framed digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.crops import EMPTY, SIDE, crops, measure


def test_a_crop_is_the_image_moved_with_empty_pixels_behind_it() -> None:
    images = torch.arange(2 * SIDE * SIDE, dtype=torch.float32).view(2, -1)
    moved = crops(images, 2, torch.tensor([[2, 2], [0, 3]])).view(2, SIDE, SIDE).numpy()
    pixels = images.view(2, SIDE, SIDE).numpy()
    assert np.array_equal(moved[0], pixels[0]), "the middle is the image itself"
    framed = np.pad(pixels[1], 2, constant_values=EMPTY)
    assert np.array_equal(moved[1], framed[0:8, 3:11])


def measured(crop: str) -> dict[str, object]:
    torch.set_num_threads(1)
    arm = Arm((("crop", crop), ("shift", 2), ("net", "perceptron")))
    return dict(measure(Block(0, 3, 4, effort=1), arm))


def test_a_block_repeats() -> None:
    assert measured("common") == measured("common")


def test_gaps_are_those_of_the_accuracies(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = iter([90.0, 94.0, 70.0, 93.0])
    monkeypatch.setattr("studies.bugs.crops.accuracy", lambda *_: next(planted))
    found = measured("common")
    assert (found["gap"], found["behind_training"], found["gap_if_kept"]) == (24, -4, 1)
    assert found["off_symptom"] == 1


def test_production_is_cropped_alike_in_both_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[torch.Tensor]] = {"common": [], "random": []}
    for crop, images in seen.items():

        def look(
            _: object, x: torch.Tensor, __: object, into: list[torch.Tensor] = images
        ) -> float:
            into.append(x)
            return 50.0

        monkeypatch.setattr("studies.bugs.crops.accuracy", look)
        measured(crop)
    (_, common, production, kept), (_, random, same, _) = seen["common"], seen["random"]
    assert torch.equal(production, same)
    assert not torch.equal(common, random)
    assert not torch.equal(production, kept)
