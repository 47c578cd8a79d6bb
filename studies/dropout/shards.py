"""Workers that share a batch, each with its shard: as one network with masks worker by worker.

Data-parallel workers hold equal weights, work on shards of equal size and average their gradients,
which is the gradient of the mean loss over all rows of all shards. So one network on the whole
batch trains as they do, if each shard's rows get the masks that its worker would draw: masks of its
own, or, "with the same seed for each batch", those of every other worker.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness import Factor
from harness.libraries import nn, torch
from studies.dropout.training import CANCER, DIGITS, LISTING

if TYPE_CHECKING:
    from torch import Tensor

SHARED, OWN = "shared", "own"
MASKS = Factor(
    "masks",
    (SHARED, OWN),
    control=SHARED,
    words={SHARED: "the same masks on all workers", OWN: "each worker's own masks"},
)
WORKERS, BATCH = 4, 64
#: Rows to train on: whole batches, so that all shards are of one size.
TRAIN = {DIGITS: 896, CANCER: 256, LISTING: 1408}


def dropout_of_workers(rate: float, masks: str, workers: int = WORKERS) -> nn.Module:
    """Dropout of a batch whose rows are those of worker after worker.

    Args:
        rate: probability that a unit is dropped.
        masks: whether workers share them, ``SHARED`` or ``OWN``.
        workers: as many shards.
    """

    class OfWorkers(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            drawn = x[: len(x) // workers] if masks == SHARED else x
            kept = torch.rand_like(drawn).ge(rate).to(x.dtype) / (1 - rate)
            return x * (kept.repeat(workers, 1) if masks == SHARED else kept)

    return OfWorkers()


def in_bfloat16(net: nn.Module) -> nn.Module:
    """A network that trains under autocast to bfloat16; its outputs are single precision."""
    return _mixed()(net)


@cache
def _mixed() -> type[nn.Module]:
    """The class, made once: replicas are of one class."""

    class Mixed(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.training):
                out: Tensor = self.net(x)
            return out.float()

    return Mixed
