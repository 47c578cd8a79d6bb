"""Statistics that a network stores when its weights stand still."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studies.batchnorm.shift import batch_norms


def with_stored_statistics(net: nn.Module, rows: Tensor, passes: int = 150) -> nn.Module:
    """The network after passes in train mode, whose batch norms keep plain averages of them."""
    for norm in batch_norms(net):
        norm.momentum = None
    net.train()
    with torch.no_grad():
        for _ in range(passes):
            net(rows)
    return net


def skewed(rows: int, features: int) -> Tensor:
    """Correlated features with means of their own, as activations behind ReLU have them."""
    torch.manual_seed(0)
    mixed = torch.randn(rows, features) @ torch.randn(features, features) + torch.randn(features)
    return mixed.relu()
