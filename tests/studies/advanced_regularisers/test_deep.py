"""Blocks taken away from trained nets."""

from __future__ import annotations

import pytest
import torch

from harness.workloads import Replicas
from studies.advanced_regularisers.deep import (
    CNN,
    CNN_BLOCKS,
    LAYERS,
    MLP_BLOCKS,
    PERCEPTRON,
    TRANSFORMER,
    last_layers,
    network,
    without,
)

BLOCKS = {CNN: CNN_BLOCKS, PERCEPTRON: MLP_BLOCKS, TRANSFORMER: 2 * LAYERS}


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_a_net_without_a_block_is_the_net_whose_branch_is_zero(kind: str) -> None:
    """Held to the plain network with a hook that silences the same branch."""
    nets = []
    for seed in range(2):
        torch.manual_seed(seed)
        nets.append(network(kind, 64, 10, 1.0))
    replicas = Replicas(nets).eval()
    layers = last_layers(nets[0])
    assert len(layers) == BLOCKS[kind]
    x = torch.randn(2, 5, 64)
    whole = replicas(x)
    with without(replicas, layers[1]):
        found = replicas(x)
    torch.manual_seed(1)
    alone = network(kind, 64, 10, 1.0).eval()
    branch = alone.get_submodule(layers[1].rpartition(".branch.")[0] + ".branch")
    branch.register_forward_hook(lambda _module, _inputs, out: torch.zeros_like(out))
    with torch.no_grad():
        assert torch.allclose(found[1], alone(x[1]), atol=1e-5)
    assert not torch.allclose(found[1], whole[1], atol=1e-3)
    assert torch.equal(replicas(x), whole)  # and everything is back


def test_weights_are_the_same_whatever_survives() -> None:
    for kind in BLOCKS:
        states = []
        for survival in (1.0, 0.8):
            torch.manual_seed(0)
            states.append(network(kind, 64, 10, survival).state_dict())
        assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
