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
    blocks_of,
    last_layers,
    network,
    weakened,
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


@pytest.mark.parametrize("kind", [CNN, TRANSFORMER])
def test_a_weakened_skip_path_hands_on_half(kind: str) -> None:
    """Held to the block's sum written out."""
    torch.manual_seed(0)
    block = blocks_of(network(kind, 64, 10, 1.0).eval())[1]
    assert len(blocks_of(network(kind, 64, 10, 1.0))) == BLOCKS[kind]
    x = torch.rand(3, 8, 4, 4) if kind == CNN else torch.randn(3, 8, 24)
    with torch.no_grad():
        before = block(x)
        with weakened(block):
            found = block(x)
        given = x if kind == CNN else block.get_submodule("norm")(x)
        expected = 0.5 * x + block.get_submodule("branch")(given)
        expected = expected.relu() if kind == CNN else expected
        assert torch.allclose(found, expected, atol=1e-6)
        assert torch.equal(block(x), before)


def test_weights_are_the_same_whatever_survives() -> None:
    for kind in BLOCKS:
        states = []
        for survival in (1.0, 0.8):
            torch.manual_seed(0)
            states.append(network(kind, 64, 10, survival).state_dict())
        assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
