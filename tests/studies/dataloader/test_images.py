"""What reaches a loader from image files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from harness.design.factors import Arm, Block
from studies.dataloader import images
from studies.dataloader.files import photo
from studies.dataloader.images import (
    BATCH,
    alike_to_tensor,
    measure,
    prepare,
    resized_to_tensor,
    to_tensor,
)

ARM = Arm((("transform", "no transform"), ("files", "grey")))


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([(torch.zeros(BATCH, 1), 0)], 1.0),
        ([(torch.zeros(BATCH // 4, 1), 0)], 0.25),
        ([([Image.new("L", (2, 2))] * BATCH, 0)], 0.0),
        ([], 0.0),
    ],
)
def test_only_images_in_a_tensor_have_arrived(
    batches: list[object], expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "make_loader", lambda *_, **__: batches)
    assert measure(prepare(Block(0, 1, 2)), ARM)["delivered"] == expected


def test_files_have_several_sizes_and_the_named_modes() -> None:
    folders = prepare(Block(0, 1, 2))
    found: dict[str, set[str]] = {}
    for kind, folder in folders.items():
        opened = [Image.open(path) for path in folder.paths]
        assert len({image.size for image in opened}) > 1
        found[kind] = {image.mode for image in opened}
    assert found == {"colour": {"RGB"}, "grey": {"L"}, "colour and grey": {"RGB", "L"}}


def test_transforms_make_alike_what_their_names_say() -> None:
    files = [photo(0, 24, 24), photo(1, 32, 24, "L")]
    assert {tuple(to_tensor(image).shape) for image in files} == {(3, 24, 24), (1, 24, 32)}
    assert {tuple(resized_to_tensor(image).shape) for image in files} == {(3, 24, 24), (1, 24, 24)}
    assert {tuple(alike_to_tensor(image).shape) for image in files} == {(3, 24, 24)}


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_tensor_holds_the_pixels(mode: str) -> None:
    image = photo(3, 5, 4, mode)
    pixels = np.asarray(image)
    expected = np.moveaxis(pixels.reshape(4, 5, -1), 2, 0) / 255
    assert np.allclose(to_tensor(image).numpy(), expected)


def test_grey_becomes_three_equal_colours() -> None:
    tensor = alike_to_tensor(Image.new("L", (5, 4), 51))
    assert tuple(tensor.shape) == (3, 24, 24)
    assert np.allclose(tensor.numpy(), 0.2)
