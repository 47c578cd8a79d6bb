"""Small pictures cut from the two photographs that come with scikit-learn: a temple and a flower.

A net is to tell which of the two a cutting comes from. The photographs are read in grey and at half
of their size, and cut without overlap into squares of 8 x 8 pixels, the digits' own size. Each
cutting is less its own mean, so that it is told by what is on it and not by how bright it is, over
the standard deviation of all. Both photographs give equally many.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.libraries import torch
from harness.workloads.samples import Sample
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from torch import Tensor

SIDE, SCALE, CLASSES = 8, 2, 2


@lru_cache(maxsize=1)
def cuttings() -> tuple[Tensor, Tensor]:
    """All of them as rows of 64 pixels, shape (cuttings, 64), and their photographs' numbers."""
    from sklearn.datasets import load_sample_images

    x, y = [], []
    for number, picture in enumerate(load_sample_images().images):
        grey = torch.tensor(picture).double().mean(dim=2)
        step = SIDE * SCALE
        down, across = (size // step for size in grey.shape)
        cut = grey[: down * step, : across * step].reshape(down, SIDE, SCALE, across, SIDE, SCALE)
        rows = cut.mean(dim=(2, 5)).transpose(1, 2).reshape(-1, SIDE * SIDE)
        x.append(rows - rows.mean(dim=1, keepdim=True))
        y.append(torch.full((len(rows),), number))
    pixels = torch.cat(x)
    return (pixels / pixels.std()).float(), torch.cat(y)


def draw_cuttings(
    seeds: Sequence[int], *, train: int, held_out: int, device: str = "cpu"
) -> Sample:
    """Cuttings in three parts for a replica a seed, cut as ``draw_sample`` cuts the digits.

    Args:
        seeds: one a replica.
        train: rows to train on.
        held_out: rows in each of the other two parts; the same ones whatever ``train`` is.
        device: where the tensors go.
    """
    x, y = cuttings()
    parts: list[list[Part]] = []
    for seed in seeds:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
        held, rest = order[: 2 * held_out], order[2 * held_out :][:train]
        parts.append([Part(x[at], y[at]) for at in (rest, *held.split(held_out))])
    fit, val, test = (
        Part(*(torch.stack([getattr(p, side) for p in part]).to(device) for side in ("x", "y")))
        for part in zip(*parts, strict=True)
    )
    wrong = torch.zeros(fit.y.shape, dtype=torch.bool, device=device)
    return Sample(fit, val, test, CLASSES, wrong, tuple(seeds))
