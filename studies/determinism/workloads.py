"""The small trainings whose bits are compared and whose steps are timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.libraries import functional, nn, torch
from harness.workloads import encoder, mlp

if TYPE_CHECKING:
    from torch import Tensor

PERCEPTRON = "perceptron"
CONVS = ("small conv net", "medium conv net", "large conv net")
#: Small ones too, by the kind of their convolutions.
SMALL_KINDS = ("small dilated conv net", "small grouped conv net", "small transposed conv net")
TRANSFORMER, GRAPH = "transformer layer", "sums over a graph"
WORKLOADS = (PERCEPTRON, *CONVS, *SMALL_KINDS, TRANSFORMER, GRAPH)

#: Conv nets that keep a GPU busy: by the height and width of their images, and by the kind of their
#: convolutions.
PLAIN = ("64 px conv net", "128 px conv net", "224 px conv net")
DILATED, GROUPED = "dilated conv net", "grouped conv net"
TRANSPOSED = "transposed conv net"
GPU_CONVS = (*PLAIN, DILATED, GROUPED, TRANSPOSED)

#: Channels of the first convolutions, height and width of the images, and rows of a batch.
_CONV_SIZES = {
    CONVS[0]: (8, 12, 8),
    CONVS[1]: (16, 24, 16),
    CONVS[2]: (32, 24, 24),
    SMALL_KINDS[0]: (16, 24, 16),
    SMALL_KINDS[1]: (16, 24, 16),
    SMALL_KINDS[2]: (16, 8, 16),
    PLAIN[0]: (128, 64, 256),
    PLAIN[1]: (64, 128, 128),
    PLAIN[2]: (64, 224, 64),
    DILATED: (64, 128, 128),
    GROUPED: (128, 128, 64),
    TRANSPOSED: (64, 32, 128),
}
#: What the later convolutions have that the others have not.
_CONV_SETTINGS: dict[str, dict[str, int]] = {
    DILATED: {"dilation": 2, "padding": 2},
    GROUPED: {"groups": 32},
    SMALL_KINDS[0]: {"dilation": 2, "padding": 2},
    SMALL_KINDS[1]: {"groups": 4},
}
LENGTH, WIDTH = 32, 64
NODES, EDGES, CHANNELS = 64, 4096, 16
LR = 0.01


@dataclass(frozen=True)
class Workload:
    """A network and the shape of the rows that it is trained on.

    Attributes:
        net: untrained, in train mode.
        row: shape of one input.
        batch: rows a step.
    """

    net: nn.Module
    row: tuple[int, ...]
    batch: int


def workload(kind: str) -> Workload:
    """A network of a kind; its weights come from torch's global stream."""
    if kind in _CONV_SIZES:
        channels, side, batch = _CONV_SIZES[kind]
        net = (
            decoder(channels) if kind in (TRANSPOSED, SMALL_KINDS[2]) else conv_net(channels, kind)
        )
        return Workload(net, (3, side, side), batch)
    if kind == PERCEPTRON:
        return Workload(mlp(WIDTH, CHANNELS, dropout=0.1), (WIDTH,), 16)
    if kind == TRANSFORMER:
        return Workload(encoder(1, WIDTH, dropout=0.1), (LENGTH, WIDTH), 16)
    return Workload(graph_sums(), (NODES, CHANNELS), 16)


def conv_net(channels: int, kind: str = "") -> nn.Module:
    """Three convolutions, with a stride in place of pooling: not every pooling is deterministic.

    Args:
        channels: of the first; the last has twice as many.
        kind: of the later convolutions, where they are not plain ones.
    """
    settings: Any = {"kernel_size": 3, "padding": 1, "stride": 2} | _CONV_SETTINGS.get(kind, {})
    return nn.Sequential(
        nn.Conv2d(3, channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, **settings),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, **settings),
        nn.Flatten(),
        nn.Dropout(0.1),
    )


def decoder(channels: int) -> nn.Module:
    """A convolution and two transposed ones, each of which doubles height and width."""
    return nn.Sequential(
        nn.Conv2d(3, channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1),
        nn.Flatten(),
        nn.Dropout(0.1),
    )


def graph_sums() -> nn.Module:
    """Sums over the edges of a random graph, between two linear layers."""

    class SumOverEdges(nn.Module):
        start: Tensor
        end: Tensor

        def __init__(self) -> None:
            super().__init__()
            start, end = torch.randint(NODES, (2, EDGES))
            self.register_buffer("start", start)
            self.register_buffer("end", end)

        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros_like(x).index_add(1, self.end, x.index_select(1, self.start))

    return nn.Sequential(
        nn.Linear(CHANNELS, CHANNELS), SumOverEdges(), nn.ReLU(), nn.Linear(CHANNELS, CHANNELS)
    )


def train_step(net: nn.Module, x: Tensor) -> None:
    """A step of gradient descent towards outputs of one.

    The update is written out: torch.optim would take a process longer to load than to train.
    """
    net.zero_grad()
    output = net(x)
    functional.mse_loss(output, torch.ones_like(output)).backward()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=LR)
