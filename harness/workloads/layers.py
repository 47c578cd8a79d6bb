"""Layers that drop weights and whole branches.

They draw from torch's global stream in train mode and nothing in eval mode, and work in
``Replicas``, whose masks differ from replica to replica. As classes of torch's they load it on
import: a study imports them inside its functions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DropConnect(nn.Linear):
    """A Linear layer whose weights are dropped: in train mode a fresh mask a pass, for all rows."""

    def __init__(
        self, in_features: int, out_features: int, p: float, *, rescale: bool = True
    ) -> None:
        """Weights are drawn as Linear draws them.

        Args:
            in_features: width of the input.
            out_features: width of the output.
            p: probability that a weight is dropped; biases stay.
            rescale: whether those left are divided by 1 - p in train mode; without, all are
                multiplied by 1 - p in eval mode. Either way eval mode has their mean.
        """
        super().__init__(in_features, out_features)
        self.p, self.rescale = p, rescale

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output with the weights that are left."""
        weight = functional.dropout(self.weight, self.p, self.training)
        if not self.rescale:
            weight = weight * (1 - self.p)
        return functional.linear(x, weight, self.bias)


class StochasticDepth(nn.Module):
    """Drops a branch's whole output, row by row, in train mode."""

    def __init__(self, survival: float, *, rescale: bool = True) -> None:
        """A layer without weights.

        Args:
            survival: probability that a row keeps the branch.
            rescale: whether rows that keep it are divided by that probability; without, all are
                multiplied by it in eval mode.
        """
        super().__init__()
        self.survival, self.rescale = survival, rescale

    def forward(self, x: Tensor) -> Tensor:
        """The branch's output where it is kept, zero where not; shape (rows, ...)."""
        return x * self.factors((len(x), *[1] * (x.dim() - 1)), x)

    def factors(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """What outputs are multiplied by, each number of the shape for a row of its own."""
        if not self.training:
            return like.new_full(shape, 1 if self.rescale else self.survival)
        kept = (torch.rand(shape, device=like.device) < self.survival).to(like.dtype)
        return kept / self.survival if self.rescale else kept


class Residual(nn.Module):
    """A branch added to what it was given, then ReLU."""

    def __init__(self, branch: nn.Module, depth: StochasticDepth | None = None) -> None:
        """The shapes of the branch's input and output are equal.

        Args:
            branch: what is added.
            depth: drops it.
        """
        super().__init__()
        self.branch, self.depth = branch, depth

    def forward(self, x: Tensor) -> Tensor:
        """Shape as it was."""
        added = self.branch(x)
        return functional.relu(x + (self.depth(added) if self.depth else added))
