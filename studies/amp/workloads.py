"""Networks to be timed and weighed, of two sizes, each with a batch to train on.

``SMALL`` ones take a CPU core about ten milliseconds a step, and a GPU next to nothing: it waits
for its host. ``LARGE`` ones keep a GPU busy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.libraries import functional, torch
from harness.workloads import convnet, encoder, tower
from studies.amp.models import CLASSES, CNN, MLP, TRANSFORMER

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Size:
    """How large each kind of network is, and what it is given.

    Attributes:
        mlp: depth and width of a stack of linear layers.
        cnn: channels of the stages.
        image: height and width of its images.
        transformer: layers, width and heads.
        length: of its sequences.
        batch: rows a step, by kind of network.
    """

    mlp: tuple[int, int]
    cnn: tuple[int, ...]
    image: int
    transformer: tuple[int, int, int]
    length: int
    batch: dict[str, int]


SMALL = Size((4, 512), (16, 32, 64), 32, (2, 128, 4), 64, {MLP: 64, CNN: 8, TRANSFORMER: 4})
LARGE = Size(
    (4, 4096), (64, 128, 256), 128, (6, 1024, 16), 512, {MLP: 4096, CNN: 128, TRANSFORMER: 16}
)


@dataclass(frozen=True)
class Workload:
    """A network with a batch.

    Attributes:
        net: untrained, in train mode.
        inputs: rows of the batch first.
        targets: of the shape that the network gives.
    """

    net: nn.Module
    inputs: Tensor
    targets: Tensor

    def loss(self, net: nn.Module) -> Tensor:
        """The mean squared error of a network on the batch."""
        return functional.mse_loss(net(self.inputs), self.targets)


def workload(kind: str, size: Size, device: str, seed: int, batch: int | None = None) -> Workload:
    """A network and its batch; both come from the seed alone.

    Args:
        kind: one of ``studies.amp.models.NETS``.
        size: how large.
        device: where they go.
        seed: of torch's global stream, which goes on from there.
        batch: rows; by default the size's own.
    """
    torch.manual_seed(seed)
    rows = size.batch[kind] if batch is None else batch
    shape: tuple[int, ...]
    outcome: tuple[int, ...]
    if kind == MLP:
        net: nn.Module = tower(*size.mlp)
        shape, outcome = (rows, size.mlp[1]), (rows, size.mlp[1])
    elif kind == CNN:
        net = convnet(size.cnn, CLASSES)
        shape, outcome = (rows, 3, size.image, size.image), (rows, CLASSES)
    else:
        net = encoder(*size.transformer)
        shape = outcome = (rows, size.length, size.transformer[1])
    inputs, targets = torch.randn(shape, device=device), torch.randn(outcome, device=device)
    return Workload(net.to(device), inputs, targets)


def narrowed(size: Size, times: int) -> Size:
    """The same networks and batches with layers that many times narrower.

    Args:
        size: the widest ones.
        times: divides all widths, and the transformer's heads where there are enough.
    """
    depth, width = size.mlp
    layers, wide, heads = size.transformer
    return replace(
        size,
        mlp=(depth, width // times),
        cnn=tuple(channels // times for channels in size.cnn),
        transformer=(layers, wide // times, max(1, heads // times)),
    )
