"""The forward pass of many networks of one architecture, layer by layer, without ``torch.vmap``.

``vmap`` searches anew for every operation how to do it for all replicas, which of small layers
takes longer than the layer. Here each layer knows: Linear is one batched product; a convolution has
the replicas as its groups, and its maps stay folded into the channels up to the next Linear layer,
channels last, which small maps are fastest in. In one run of the benchmark
(``tests/benchmarks/test_together.py``, one core, the fastest of seven rounds) an epoch of twenty
``small_cnn`` of digits with batch norm and dropout, evaluation included, took 5.9 s so, 9.9 s under
``vmap`` and 10.5 s one network after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads import layers as drops

Layers: TypeAlias = "list[tuple[str, nn.Module]]"


def direct_layers(network: nn.Module) -> Layers:
    """The layers in their order, with the beginnings of their parameters' names.

    Empty where any layer is of a kind that has to be left to ``vmap``.
    """
    layers = _layers_of(network)
    return layers if all(_is_direct(layer) for _, layer in layers) else []


def _layers_of(network: nn.Module, prefix: str = "") -> Layers:
    if type(network) is not nn.Sequential:
        return [(prefix, network)]
    return [
        each
        for name, layer in network.named_children()
        for each in _layers_of(layer, f"{prefix}{name}.")
    ]


def _is_direct(layer: nn.Module) -> bool:
    # Exact types: a kind of Linear, such as one that drops weights, may do more with them.
    rule = _rules().get(type(layer))
    return rule is not None and rule(layer)


@cache
def _rules() -> dict[type[nn.Module], Callable[[Any], bool]]:
    """The layers that are done directly, each if it is used in the common way."""
    from harness.workloads.layers import Residual

    alike = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.Dropout, nn.Identity)
    return {
        **dict.fromkeys((*alike, *_by_channel()), lambda _: True),
        nn.Linear: lambda layer: layer.bias is not None,
        nn.Conv2d: lambda layer: (
            layer.groups == 1 and layer.padding_mode == "zeros" and layer.bias is not None
        ),
        nn.BatchNorm1d: _has_running_statistics,
        nn.BatchNorm2d: _has_running_statistics,
        nn.Flatten: lambda layer: (layer.start_dim, layer.end_dim) == (1, -1),
        nn.Unflatten: lambda layer: layer.dim == 1,
        Residual: lambda block: bool(direct_layers(block.branch)),
    }


def _by_channel() -> tuple[type[nn.Module], ...]:
    """Layers that treat every channel alike, and have no weights."""
    return nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout2d


def _has_running_statistics(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    return layer.affine and layer.track_running_stats and layer.momentum is not None


class DirectPass:
    """One forward pass of all replicas."""

    def __init__(
        self,
        layers: Layers,
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
    ) -> None:
        """Layers of one network with the weights of all.

        Args:
            layers: as ``direct_layers`` gives them; their mode is that of the pass.
            parameters: by name, shapes (replicas, ...).
            buffers: by name, shapes (replicas, ...): batch norm changes them in train mode.
        """
        self.layers, self.parameters, self.buffers = layers, parameters, buffers
        self.folded = False

    def __call__(self, x: Tensor) -> Tensor:
        """Shape (replicas, batch, ...) in and out."""
        self.replicas = len(x)
        return self._unfold(self._through(self.layers, x))

    def _through(self, layers: Layers, x: Tensor) -> Tensor:
        for prefix, layer in layers:
            x = self._layer(prefix, layer, x)
        return x

    def _layer(self, prefix: str, layer: nn.Module, x: Tensor) -> Tensor:
        from harness.workloads.layers import Residual

        if isinstance(layer, nn.Linear):
            weight, bias = (self.parameters[f"{prefix}{name}"] for name in ("weight", "bias"))
            x = torch.baddbmm(bias[:, None], self._unfold(x), weight.mT)
        elif isinstance(layer, nn.Conv2d):
            x = self._convolution(prefix, layer, self._fold(x))
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            x = self._batch_norm(prefix, layer, self._fold(x))
        elif isinstance(layer, _by_channel()):
            x = layer(self._fold(x))
        elif isinstance(layer, nn.Flatten):
            x = self._unfold(x).flatten(2)
        elif isinstance(layer, nn.Unflatten):
            x = torch.unflatten(self._unfold(x), 2, layer.unflattened_size)
        elif isinstance(layer, Residual):
            x = self._residual(prefix, layer, x)
        else:
            x = layer(x)
        return x

    def _fold(self, x: Tensor) -> Tensor:
        """Shape (batch, replicas x channels, ...), of (replicas, batch, channels, ...)."""
        if self.folded:
            return x
        self.folded = True
        x = x.transpose(0, 1).flatten(1, 2)
        return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x

    def _unfold(self, x: Tensor) -> Tensor:
        """The way back."""
        if not self.folded:
            return x
        self.folded = False
        return torch.unflatten(x, 1, (self.replicas, -1)).transpose(0, 1)

    def _residual(self, prefix: str, block: drops.Residual, x: Tensor) -> Tensor:
        before = self.folded
        added = self._through(_layers_of(block.branch, f"{prefix}branch."), x)
        after, self.folded = self.folded, before
        x = self._fold(x) if after else self._unfold(x)
        if block.depth:
            added = added * self._factors(block.depth, added)
        return functional.relu(x + added)

    def _factors(self, depth: drops.StochasticDepth, x: Tensor) -> Tensor:
        """One a replica and row."""
        if not self.folded:
            return depth.factors((*x.shape[:2], *[1] * (x.dim() - 2)), x)
        each = depth.factors((len(x), self.replicas), x)
        channels = x.shape[1] // self.replicas
        return each.repeat_interleave(channels, dim=1).view(*x.shape[:2], *[1] * (x.dim() - 2))

    def _convolution(self, prefix: str, layer: nn.Conv2d, x: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"{prefix}{n}"].flatten(0, 1) for n in ("weight", "bias"))
        return functional.conv2d(
            x, weight, bias, layer.stride, layer.padding, layer.dilation, self.replicas
        )

    def _batch_norm(self, prefix: str, layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"{prefix}{n}"].flatten() for n in ("weight", "bias"))
        # Views: what is updated are the buffers themselves.
        mean, variance = (
            self.buffers[f"{prefix}running_{name}"].view(-1) for name in ("mean", "var")
        )
        if layer.training:
            self.buffers[f"{prefix}num_batches_tracked"].add_(1)
        momentum = layer.momentum or 0.0
        return functional.batch_norm(
            x, mean, variance, weight, bias, layer.training, momentum, layer.eps
        )
