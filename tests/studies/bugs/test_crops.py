"""Crops of framed digits."""

from __future__ import annotations

import numpy as np
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


def test_a_block_repeats_and_only_the_common_crop_falls_behind() -> None:
    torch.set_num_threads(1)
    found = {}
    for crop in ("common", "random"):
        arm = Arm((("crop", crop), ("shift", 2), ("net", "perceptron")))
        found[crop] = measure(Block(0, 3, 4, effort=8), arm)
        assert found[crop] == measure(Block(0, 3, 4, effort=8), arm)
    gaps = {crop: float(str(responses["gap"])) for crop, responses in found.items()}
    assert gaps["common"] > gaps["random"] + 0.1
    assert abs(float(str(found["common"]["gap_if_production_keeps_the_crop"]))) < 0.1
