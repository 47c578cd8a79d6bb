"""What reaches a loader from image files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from harness.design.factors import Arm, Block
from studies.dataloader.files import photo
from studies.dataloader.images import measure, prepare, to_colour_and_tensor, to_tensor


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("none", [0, 0, 0]),
        ("to tensor", [1, 1, 0]),
        ("to colour and tensor", [1, 1, 1]),
    ],
)
def test_a_batch_needs_tensors_of_one_shape(transform: str, expected: list[float]) -> None:
    folders = prepare(Block(0, 1, 2))
    arms = [Arm((("transform", transform), ("files", files))) for files in folders]
    assert [measure(folders, arm)["delivered"] for arm in arms] == expected


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_tensor_holds_the_pixels(mode: str) -> None:
    image = photo(3, 5, 4, mode)
    pixels = np.asarray(image)
    expected = np.moveaxis(pixels.reshape(4, 5, -1), 2, 0) / 255
    assert np.allclose(to_tensor(image).numpy(), expected)


def test_grey_becomes_three_equal_colours() -> None:
    tensor = to_colour_and_tensor(Image.new("L", (5, 4), 51))
    assert tuple(tensor.shape) == (3, 4, 5)
    assert np.allclose(tensor.numpy(), 0.2)
