"""Small networks: what goes in and out, and that they have no kink."""

from __future__ import annotations

import pytest
import torch

from studies.step_anatomy.networks import NETWORKS, STRAYS, USUAL


@pytest.mark.parametrize("name", list(NETWORKS))
def test_rows_of_64_pixels_become_ten_outputs(name: str) -> None:
    assert NETWORKS[name]().forward(torch.randn(5, 64)).shape == (5, 10)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_slope_is_the_same_from_both_sides(name: str) -> None:
    torch.manual_seed(0)
    net = NETWORKS[name]()
    net.layers.double()
    x = torch.randn(5, 64, dtype=torch.float64)
    direction = torch.randn(5, 64, dtype=torch.float64)
    step = 1e-6

    def along(size: float) -> torch.Tensor:
        with torch.no_grad():
            return net.forward(x + size * direction)

    right, left = (along(step) - along(0)) / step, (along(0) - along(-step)) / step
    assert torch.allclose(right, left, atol=1e-3)


def test_only_the_network_with_strays_has_frozen_parameters() -> None:
    for name, build in NETWORKS.items():
        frozen = [p for p in build().layers.parameters() if not p.requires_grad]
        assert len(frozen) == (2 if name == STRAYS else 0)
    assert set(USUAL) == set(NETWORKS) - {STRAYS}
