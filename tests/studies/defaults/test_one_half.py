"""One half: the share of values that a layer drops is counted."""

from __future__ import annotations

import torch
from torch import nn

from studies.defaults.one_half import VALUES, WITHIN, dropped


class EveryThird(nn.Module):
    """Drops every third value."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (torch.arange(len(x)) % 3 > 0)


def test_a_known_share_is_counted() -> None:
    assert dropped(EveryThird()) == -(-VALUES // 3) / VALUES
    assert dropped(nn.Identity()) == 0


def test_chance_is_six_standard_deviations_inside_the_margin() -> None:
    assert WITHIN > 6 * (0.25 / VALUES) ** 0.5
