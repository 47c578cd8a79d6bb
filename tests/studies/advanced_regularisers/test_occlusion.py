"""Images of which a part is covered."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from harness.workloads import Replicas
from harness.workloads.samples import Sample
from harness.workloads.tasks import Part
from studies.advanced_regularisers.occlusion import accuracy_anywhere, with_bars


def images(rows: int = 40) -> Part:
    """Every image is of one number, its own."""
    x = torch.arange(rows).float()[None, :, None].expand(2, rows, 64).clone()
    return Part(x, torch.zeros(2, rows, dtype=torch.long))


def test_a_bar_covers_a_quarter_with_one_other_image() -> None:
    part = images()
    covered = with_bars(part)
    changed = (covered.x != part.x).sum(dim=2)
    assert set(changed.flatten().tolist()) <= {0, 16}  # 0 where the other image is its own
    assert (changed == 16).float().mean() > 0.9
    assert all(len(row.unique()) <= 2 for row in covered.x.flatten(0, 1))
    lying = (covered.x != part.x).reshape(2, -1, 8, 8).all(dim=3).any(dim=2)
    assert 0.2 < lying.float().mean() < 0.8
    assert torch.equal(with_bars(part).x, covered.x)


class OnePixel(nn.Module):
    """Answers 1 if a pixel in the middle is above zero."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.scale * x[:, 27]
        return torch.stack([torch.zeros_like(seen), seen], dim=1)


def test_a_net_that_looks_at_one_pixel_is_right_nowhere_when_that_is_covered() -> None:
    """In grey, the mean of the training pixels, below zero: images of class 1 are lost."""
    x = torch.ones(1, 20, 64)
    y = torch.tensor([[0, 1] * 10])
    x[:, ::2] = -1
    rows = Part(x, y)
    grey = Part(torch.full((1, 4, 64), -0.5), torch.zeros(1, 4, dtype=torch.long))
    sample = Sample(grey, rows, rows, 2, torch.zeros(1, 4, dtype=torch.bool), (0,))
    assert np.allclose(accuracy_anywhere(Replicas([OnePixel()]), sample), [0.5])
