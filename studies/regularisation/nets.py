"""What several experiments of this study share: networks by sample, and numbers by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import Block, Responses
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas, mlp
from harness.workloads.samples import Sample
from harness.workloads.six_strategies import STRATEGIES, network
from harness.workloads.three_penalties import overparameterised

if TYPE_CHECKING:
    from torch import Tensor

#: The network that each sample is fitted with: the documents' own where they have one.
NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "sine": overparameterised,
    "listing 3": lambda: network(STRATEGIES["baseline"]),
    "digits": lambda: mlp(64, 10),
    "breast cancer": lambda: mlp(30, 2),
    "wine": lambda: mlp(13, 3),
    "diabetes": lambda: mlp(10, 1),
}
RATE = 1e-3  # the documents', with Adam and with AdamW


BATCH = 64


@dataclass(frozen=True)
class Rows:
    """What the arms of some blocks share: every task's rows, and how much effort to take."""

    samples: Mapping[str, Sample]
    effort: int


def seeds_of(blocks: Sequence[Block]) -> tuple[int, ...]:
    """A seed a replica."""
    return tuple(block.seed for block in blocks)


def by_block(found: Mapping[str, NDArray[np.float64]]) -> list[Responses]:
    """Numbers of all replicas, as each block's own.

    Args:
        found: shapes (replicas,), or (rounds, replicas).
    """
    count = next(iter(found.values())).shape[-1]
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(count)
    ]


def weights_of(nets: Replicas) -> list[Tensor]:
    """The weights without the biases, shapes (replicas, out, in)."""
    return [each.detach() for name, each in nets.named_parameters() if name.endswith("weight")]


def norm_of(tensors: Sequence[Tensor]) -> NDArray[np.float64]:
    """The Euclidean norm of each replica's numbers in some tensors; shape (replicas,)."""
    squares = sum(each.detach().double().square().flatten(1).sum(dim=1) for each in tensors)
    return np.sqrt(np.asarray(squares, np.float64))


def in_double(sample: Sample, task: str) -> Replicas:
    """A task's networks, untrained, each from its own seed, in double precision."""
    nets = []
    for seed in sample.seeds:
        torch.manual_seed(seed)
        nets.append(NETWORKS[task]().double())
    return Replicas(nets).train()


def batch_losses(nets: Replicas, sample: Sample, orders: Sequence[torch.Generator]) -> Tensor:
    """The loss of each replica, in double precision, on rows drawn from its own stream."""
    loss = functional.cross_entropy if sample.classes else functional.mse_loss
    each = torch.arange(nets.count)[:, None]
    rows = sample.train.x.shape[1]
    chosen = torch.stack([torch.randint(rows, (BATCH,), generator=g) for g in orders])
    x, y = sample.train.x[each, chosen].double(), sample.train.y[each, chosen]
    return nets.each(loss, nets(x), y if sample.classes else y.double())
