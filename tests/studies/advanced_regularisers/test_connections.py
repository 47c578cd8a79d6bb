"""Where weights and units are dropped."""

from __future__ import annotations

import torch
from torch import nn

from harness.workloads.regularisers import DropConnect
from studies.advanced_regularisers.connections import BEHIND, DROPCONNECT, DROPOUT, network


def test_all_start_from_equal_weights() -> None:
    states = []
    for layer in (DROPOUT, DROPCONNECT, BEHIND):
        torch.manual_seed(0)
        states.append(list(network(layer, 0.5, 9, 3).parameters()))
    for others in states[1:]:
        assert all(torch.equal(a, b) for a, b in zip(states[0], others, strict=True))


def test_two_layers_lose_weights_or_two_lose_units() -> None:
    def places(layer: str, kind: type[nn.Module]) -> list[int]:
        made = network(layer, 0.5, 9, 3).children()
        linear = [m for m in made if isinstance(m, (nn.Linear, nn.Dropout))]
        return [place for place, module in enumerate(linear) if isinstance(module, kind)]

    assert places(DROPCONNECT, DropConnect) == [0, 1]
    assert places(BEHIND, DropConnect) == [1, 2]
    assert places(DROPOUT, nn.Dropout) == [1, 3]  # each behind a hidden layer
