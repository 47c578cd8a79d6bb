"""Small images beside digits: patches of the two photographs that come with scikit-learn.

A patch is 8 x 8 pixels of grey, cut from a photograph at a third of its size; its class is the
photograph. Patches to train on come from the left halves, those held out from the right ones, so
that no pixel is in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness.libraries import torch
from harness.workloads.samples import Sample
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE, SHRINK = 8, 3
CLASSES = 2


@lru_cache(maxsize=1)
def grey() -> tuple[NDArray[np.float64], ...]:
    """Both photographs, grey, at a third of their size, of mean 0 and standard deviation 1."""
    from sklearn.datasets import load_sample_images

    found = []
    for image in load_sample_images().images:
        whole = image.mean(axis=2)
        rows, columns = (SHRINK * (length // SHRINK) for length in whole.shape)
        parts = whole[:rows, :columns].reshape(rows // SHRINK, SHRINK, columns // SHRINK, SHRINK)
        small = parts.mean(axis=(1, 3))
        found.append((small - small.mean()) / small.std())
    return tuple(found)


def draw_patches(seeds: Sequence[int], *, train: int, held_out: int, device: str = "cpu") -> Sample:
    """Patches for a replica a seed, in three parts, as rows of 64 pixels.

    Args:
        seeds: one a replica.
        train: patches to train on, from the left halves.
        held_out: patches in each of the other two parts, from the right halves.
        device: where the tensors go.
    """
    drawn = [_draw(np.random.default_rng(seed), train, held_out) for seed in seeds]
    parts = [
        Part(
            torch.tensor(np.stack([each[place][0] for each in drawn])).float().to(device),
            torch.tensor(np.stack([each[place][1] for each in drawn])).to(device),
        )
        for place in range(3)
    ]
    wrong = torch.zeros(len(seeds), train, dtype=torch.bool, device=device)
    fit, val, test = parts
    return Sample(fit, val, test, classes=CLASSES, wrong=wrong, seeds=tuple(seeds))


def _draw(
    random: np.random.Generator, train: int, held_out: int
) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    return [
        _patches(random, count, right=right)
        for count, right in ((train, False), (held_out, True), (held_out, True))
    ]


def _patches(
    random: np.random.Generator, count: int, *, right: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Patches at random places of one half of either photograph."""
    labels = random.integers(CLASSES, size=count)
    patches = []
    for label in labels:
        image = grey()[label]
        middle = image.shape[1] // 2
        half = image[:, middle:] if right else image[:, :middle]
        top, left = (random.integers(length - SIDE + 1) for length in half.shape)
        patches.append(half[top : top + SIDE, left : left + SIDE].ravel())
    return np.stack(patches), labels
