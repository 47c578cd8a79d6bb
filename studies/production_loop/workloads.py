"""Networks whose training steps are timed, of a size that keeps the device busy.

A CPU trains a step of theirs in some hundredths of a second; a GPU gets networks of the size that
it is bought for, or it would wait for its host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch
from harness.workloads import convnet, encoder, mlp, tower

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = 10
PERCEPTRON, CONV, TRANSFORMER, TOY = "perceptron", "conv net", "transformer", "toy perceptron"
REALISTIC = (PERCEPTRON, CONV, TRANSFORMER)


@dataclass(frozen=True)
class Size:
    """How large the networks are.

    Attributes:
        depth: of the perceptron.
        width: of the perceptron, and of its rows.
        channels: of the conv net's stages.
        pixels: height and width of its images.
        layers: of the transformer.
        token_width: of its tokens.
        tokens: of a row of it.
    """

    depth: int
    width: int
    channels: tuple[int, ...]
    pixels: int
    layers: int
    token_width: int
    tokens: int


#: By device: a million, 24 thousand and 400 thousand weights; 134, 0.4 and 85 million.
SIZES = {
    "cpu": Size(4, 512, (16, 32, 64), 32, 2, 128, 64),
    "cuda": Size(8, 4096, (64, 128, 256), 128, 12, 768, 128),
}


@dataclass(frozen=True)
class Job:
    """A network, its Adam, and rows to train on.

    Attributes:
        net: in train mode.
        optimiser: with a state, and so small a rate that the work stays the same.
        x: inputs.
        y: classes.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    x: Tensor
    y: Tensor

    def backward(self, x: Tensor, y: Tensor, divide: int = 1) -> None:
        """Forward and backward over some rows."""
        (functional.cross_entropy(self.net(x), y) / divide).backward()

    def step(self, micro_batches: int = 1) -> None:
        """A training step on all rows, in so many micro-batches."""
        for x, y in zip(self.x.chunk(micro_batches), self.y.chunk(micro_batches), strict=True):
            self.backward(x, y, micro_batches)
        self.optimiser.step()
        self.optimiser.zero_grad()


def job(name: str, rows: int, device: str, seed: int) -> Job:
    """A network with so many rows, all from the seed.

    Args:
        name: one of ``REALISTIC``, or ``TOY``.
        rows: of the batch.
        device: where they go; it decides on the size.
        seed: of torch's global stream, which goes on from there.
    """
    torch.manual_seed(seed)
    net, x = _network(name, rows, SIZES[device])
    net, y = net.to(device).train(), torch.randint(CLASSES, (rows,))
    made = Job(net, torch.optim.Adam(net.parameters(), lr=1e-9), x.to(device), y.to(device))
    made.step()  # Adam makes its state
    return made


def _network(name: str, rows: int, size: Size) -> tuple[nn.Module, Tensor]:
    if name == CONV:
        return convnet(size.channels, CLASSES), torch.randn(rows, 3, size.pixels, size.pixels)
    if name == TOY:
        return mlp(64, CLASSES), torch.randn(rows, 64)
    if name == PERCEPTRON:
        net = nn.Sequential(tower(size.depth, size.width), nn.Linear(size.width, CLASSES))
        return net, torch.randn(rows, size.width)
    from harness.workloads.deep_nets import MeanOverTokens  # a class of torch's, which loads it

    body = encoder(size.layers, size.token_width)
    net = nn.Sequential(body, MeanOverTokens(), nn.Linear(size.token_width, CLASSES))
    return net, torch.randn(rows, size.tokens, size.token_width)
