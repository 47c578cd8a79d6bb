"""Networks whose training steps are timed: of a size that a CPU trains, and of one for a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch
from harness.workloads import convnet, encoder, mlp, tower
from studies.memory.large import BERT, RESNET, classifier, large_batch

if TYPE_CHECKING:
    from torch import Tensor

CLASSES, WIDTH, PIXELS, TOKENS, TOKEN_WIDTH = 10, 512, 32, 64, 128
PERCEPTRON, CONV, TRANSFORMER, TOY = (
    "perceptron of 1 million weights",
    "conv net on 32 x 32 images",
    "transformer of two layers",
    "perceptron of 10 thousand weights",
)
SMALL = (PERCEPTRON, CONV, TRANSFORMER)
LARGE = (BERT, RESNET)
#: Tokens of a text of the large transformer.
LARGE_TOKENS = 128


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
        name: of ``SMALL`` or ``LARGE``, or ``TOY``.
        rows: of the batch.
        device: where they go.
        seed: of torch's global stream, which goes on from there.
    """
    torch.manual_seed(seed)
    if name in LARGE:
        net = classifier(name)
        x, y = large_batch(name, rows, LARGE_TOKENS)
    else:
        net, x = _small(name, rows)
        y = torch.randint(CLASSES, (rows,))
    net = net.to(device).train()
    made = Job(net, torch.optim.Adam(net.parameters(), lr=1e-9), x.to(device), y.to(device))
    made.step()  # Adam makes its state
    return made


def _small(name: str, rows: int) -> tuple[nn.Module, Tensor]:
    if name == CONV:
        return convnet((16, 32, 64), CLASSES), torch.randn(rows, 3, PIXELS, PIXELS)
    if name == TOY:
        return mlp(64, CLASSES), torch.randn(rows, 64)
    if name == PERCEPTRON:
        net = nn.Sequential(tower(4, WIDTH), nn.Linear(WIDTH, CLASSES))
        return net, torch.randn(rows, WIDTH)

    class MeanOverTokens(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(dim=1)

    net = nn.Sequential(encoder(2, TOKEN_WIDTH), MeanOverTokens(), nn.Linear(TOKEN_WIDTH, CLASSES))
    return net, torch.randn(rows, TOKENS, TOKEN_WIDTH)
