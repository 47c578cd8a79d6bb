"""Deep residual nets of three kinds for stochastic depth, and their blocks taken away one by one.

Ten blocks of two convolutions each, ten blocks of two fully connected layers, and four layers of a
transformer, whose attention and feed-forward part are a block each. What a block adds is the output
of its branch's last layer; without that layer's weights and biases the block hands on what it gets.
The opposite of it is a block that hands on half of what it gets, and adds what it always adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import nn, torch
from harness.workloads import Replicas, regularisers
from harness.workloads.regularisers import residual_cnn, residual_mlp
from harness.workloads.samples import draw_sample

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.samples import Sample, SampleName

CNN, PERCEPTRON, TRANSFORMER = "convolutions", "perceptron", "transformer"
CNN_BLOCKS, CHANNELS = 10, 8
MLP_BLOCKS, MLP_WIDTH = 10, 32
LAYERS, WIDTH, HEADS, SIDE = 4, 24, 4, 8
HELD_OUT = 500
WEAK = 0.5  # what is left of a skip path


class Kind(NamedTuple):
    """What a net learns, and how.

    Attributes:
        data: by their name.
        rows: of them, to train on.
        rate: of learning.
        steps: in which it has learnt its rows, whatever survives.
    """

    data: SampleName
    rows: int
    rate: float
    steps: int


KINDS: Mapping[str, Kind] = {
    CNN: Kind("digits", 200, 3e-3, 240),
    PERCEPTRON: Kind("digits", 200, 3e-3, 120),
    TRANSFORMER: Kind("digits", 200, 1e-3, 320),
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
    plan = KINDS[kind]
    return draw_sample(plan.data, seeds, train=plan.rows, held_out=HELD_OUT, device=device)


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


def blocks_of(net: nn.Module) -> list[nn.Module]:
    """The residual blocks of a net, in their order."""
    return [each for each in net.modules() if isinstance(getattr(each, "branch", None), nn.Module)]


@contextmanager
def weakened(block: nn.Module) -> Iterator[None]:
    """For a while a block of a net in eval mode hands on half of what it gets.

    Args:
        block: one of ``blocks_of``.
    """

    def less(_module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        return out - (1 - WEAK) * given[0]

    # A ``Residual`` ends with ReLU: there the sum is weakened before it, in what is added.
    whole = block.branch if isinstance(block, regularisers.Residual) else block
    hook = whole.register_forward_hook(less)
    try:
        yield
    finally:
        hook.remove()


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
