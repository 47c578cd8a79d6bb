"""Deep residual nets of three kinds for stochastic depth, and their blocks taken away one by one.

Ten blocks of two convolutions each, twenty-four blocks of two fully connected layers, and four
layers of a transformer, whose attention and feed-forward part are a block each. What a block adds
is the output of its branch's last layer; without that layer's weights and biases the block hands on
what it gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import nn, torch
from harness.workloads import Replicas
from harness.workloads.regularisers import residual_cnn, residual_mlp
from harness.workloads.samples import draw_sample

if TYPE_CHECKING:
    from harness.workloads.samples import Sample, SampleName

CNN, PERCEPTRON, TRANSFORMER = "convolutions", "perceptron", "transformer"
CNN_BLOCKS, CHANNELS = 10, 8
MLP_BLOCKS, MLP_WIDTH = 24, 32
LAYERS, WIDTH, HEADS, SIDE = 4, 24, 4, 8
HELD_OUT = 500


class Kind(NamedTuple):
    """What a net learns: data by their name, rows to train on; and its learning rate."""

    data: SampleName
    rows: int
    rate: float


KINDS: Mapping[str, Kind] = {
    CNN: Kind("digits", 200, 3e-3),
    PERCEPTRON: Kind("listing 3", 200, 3e-3),
    TRANSFORMER: Kind("digits", 200, 1e-3),
}


def network(kind: str, features: int, classes: int, survival: float) -> nn.Module:
    """An untrained net of a kind; equal weights at one state of the stream, whatever survives."""
    if kind == CNN:
        return residual_cnn(classes, channels=CHANNELS, blocks=CNN_BLOCKS, survival=survival)
    if kind == PERCEPTRON:
        return residual_mlp(
            features, classes, width=MLP_WIDTH, blocks=MLP_BLOCKS, survival=survival
        )
    from harness.workloads.deep_nets import LinesTransformer  # classes of torch's, which load it

    return LinesTransformer(classes, survival, side=SIDE, width=WIDTH, heads=HEADS, layers=LAYERS)


def draw(kind: str, seeds: Sequence[int], device: str) -> Sample:
    """The rows that nets of a kind learn."""
    data, rows, _ = KINDS[kind]
    return draw_sample(data, seeds, train=rows, held_out=HELD_OUT, device=device)


def last_layers(net: nn.Module) -> list[str]:
    """For every residual block of a net the name of its branch's last layer with weights."""
    found = []
    for name, module in net.named_modules():
        branch = getattr(module, "branch", None)
        if isinstance(branch, nn.Module):
            own = [
                inner
                for inner, layer in branch.named_modules()
                if list(layer.parameters(recurse=False))
            ]
            found.append(f"{name}.branch.{own[-1]}")
    return found


@contextmanager
def without(nets: Replicas, layer: str) -> Iterator[None]:
    """For a while, no replica has weights or biases in one layer.

    Args:
        nets: whose.
        layer: its name in the network.
    """
    own = {name: p for name, p in nets.named_parameters() if name.rpartition(".")[0] == layer}
    kept = {name: p.detach().clone() for name, p in own.items()}
    with torch.no_grad():
        for parameter in own.values():
            parameter.zero_()
    try:
        yield
    finally:
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(kept[name])
