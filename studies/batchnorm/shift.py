"""How far the variance that a batch norm meets in eval mode is from the one it has stored.

``variance_ratios`` is what the passages call variance shift: over rows that were trained on, the
variance of a batch norm's input with everything random switched off, over the running variance that
training left, both summed over the layer's units. ``with_new_statistics`` gives batch norms the
statistics of such passes in place of those from training.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.libraries import nn, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.workloads import Replicas


def batch_norms(net: nn.Module) -> list[Any]:
    """The batch norm layers of a network, from input to output."""
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]


def variance_ratios(nets: Replicas, x: Tensor) -> NDArray[np.float64]:
    """Variance in eval mode over stored variance, for every batch norm of every replica.

    Args:
        nets: trained; they keep their mode.
        x: rows, shape (replicas, rows, features).

    Returns:
        Shape (batch norms, replicas), from input to output; no row for networks without any.
    """
    training = nets.training
    each = [_ratios(net.eval(), rows) for net, rows in zip(nets.unstack(), x, strict=True)]
    nets.train(training)
    return np.array(each).T.reshape(-1, nets.count)


def _ratios(net: nn.Module, rows: Tensor) -> list[float]:
    """The ratios of one network in eval mode."""
    return [
        (actual.sum() / norm.running_var.double().sum()).item()
        for norm, actual in zip(batch_norms(net), input_variances(net, rows), strict=True)
    ]


def input_variances(net: nn.Module, rows: Tensor) -> list[Tensor]:
    """The variance of each unit of the input of every batch norm, in the mode the network is in.

    Args:
        net: any network.
        rows: shape (rows, features).

    Returns:
        One tensor of shape (units,) a batch norm, float64, unbiased.
    """
    found: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        found.append(given[0].double().transpose(0, 1).flatten(1).var(1))

    hooks = [norm.register_forward_pre_hook(keep) for norm in batch_norms(net)]
    with torch.no_grad():
        net(rows)
    for hook in hooks:
        hook.remove()
    return found


def with_new_statistics(net: nn.Module, rows: Tensor) -> nn.Module:
    """A copy in eval mode whose batch norms have the statistics of these rows, nothing dropped.

    One pass of all rows: each batch norm normalises with what it stores, so that those behind it
    see what they will see in eval mode.

    Args:
        net: is left as it is.
        rows: shape (rows, features).
    """
    copied = copy.deepcopy(net).eval()
    for norm in batch_norms(copied):
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        copied(rows)
    return copied.eval()
