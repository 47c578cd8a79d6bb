"""Classified images whose classes lie one after the other, a data set and a network a block.

Three sets, none of which a small network learns at once. Two patterns of 8 x 8 pixels under noise,
which the best of all classifiers tells apart nine times in ten: 50 batches of 32 of one, then 50 of
the other. The digits of scikit-learn, those up to four against those from five on: 50 batches of 16
of each. And the digits by their ten classes. Rows are stored class by class, as files sorted by
name are, in a random order within each class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from harness import Block
from harness.libraries import nn, torch
from harness.workloads import load_split, mlp
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from torch import Tensor

PATTERNS, HALVES, DIGITS = "two patterns", "digits up to 4 and from 5", "ten digits"
PIXELS, BEST = 64, 0.9
#: Rows of a batch, by set.
BATCHES = {PATTERNS: 32, HALVES: 16, DIGITS: 16}
BLOCK = 50  # batches of one class, of the sets of two classes


@dataclass(frozen=True)
class ClassTask:
    """A set with a network for each replica.

    Attributes:
        networks: untrained, on the device; who trains takes copies.
        train: rows stored class by class; x (replicas, rows, pixels), y (replicas, rows).
        val: held-out rows.
        batch: rows of a batch.
        seeds: a replica's own, for orders.
    """

    networks: tuple[nn.Module, ...]
    train: Part
    val: Part
    batch: int
    seeds: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Full batches in an epoch."""
        return self.train.x.shape[1] // self.batch


def class_task(name: str, blocks: Sequence[Block]) -> ClassTask:
    """A task with a replica for each block, everything random from the block's own seed.

    Args:
        name: PATTERNS, HALVES or DIGITS.
        blocks: all on one device.
    """
    sides: list[tuple[Tensor, ...]] = [_DATA[name](block.seed) for block in blocks]
    device = blocks[0].device
    x, y, val_x, val_y = (torch.stack(side).to(device) for side in zip(*sides, strict=True))
    classes = 10 if name == DIGITS else 2
    networks = tuple(network(block, classes) for block in blocks)
    seeds = tuple(block.seed for block in blocks)
    return ClassTask(networks, Part(x, y), Part(val_x, val_y), BATCHES[name], seeds)


def network(block: Block, classes: int) -> nn.Module:
    """A perceptron whose weights come from the block's seed."""
    torch.manual_seed(block.seed)
    return mlp(PIXELS, classes).to(block.device)


def patterns(
    sizes: tuple[int, int], best: float, seed: int, stream: int = 0
) -> tuple[Tensor, Tensor]:
    """Images of two patterns under noise, class by class.

    The noise is normal with standard deviation 1 in every pixel. The patterns lie so far apart that
    the best possible classifier of equally many of both is right with a given chance.

    Args:
        sizes: images of each class.
        best: the best possible accuracy, between 0.5 and 1.
        seed: of the two patterns.
        stream: tells further images of the same patterns from these.

    Returns:
        Images (rows, pixels) and classes (rows,).
    """
    direction = torch.randn(PIXELS, generator=torch.Generator().manual_seed(seed))
    half = NormalDist().inv_cdf(best) * direction / direction.norm()
    noise = torch.Generator().manual_seed((seed + 7919 * (stream + 1)) % 2**63)
    y = torch.tensor([0, 1]).repeat_interleave(torch.tensor(sizes))
    x = torch.randn(len(y), PIXELS, generator=noise) + (2.0 * y[:, None] - 1) * half
    return x, y


def _two_patterns(seed: int) -> tuple[Tensor, ...]:
    rows = BLOCK * BATCHES[PATTERNS]
    return *patterns((rows, rows), BEST, seed), *patterns((500, 500), BEST, seed, stream=1)


def _halves(seed: int) -> tuple[Tensor, ...]:
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    x, upper = torch.tensor((pixels - 8) / 4).float(), torch.tensor(digit >= 5).long()
    drawn = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    rows = BLOCK * BATCHES[HALVES]
    of_class = [drawn[upper[drawn] == half] for half in (0, 1)]
    # Held out are as many of each, so that the base rate is one half.
    held = min(len(mine) for mine in of_class) - rows
    train = torch.cat([mine[:rows] for mine in of_class])
    val = torch.cat([mine[rows : rows + held] for mine in of_class])
    return x[train], upper[train], x[val], upper[val]


def _ten_digits(seed: int) -> tuple[Tensor, ...]:
    split = load_split("digits", seed)
    stored = split.train_y.sort(stable=True).indices
    return split.train_x[stored], split.train_y[stored], split.val_x, split.val_y


_DATA: dict[str, Callable[[int], tuple[Tensor, ...]]] = {
    PATTERNS: _two_patterns,
    HALVES: _halves,
    DIGITS: _ten_digits,
}


def half_of_chance(classes: int) -> float:
    """Half of the loss of a network that knows nothing."""
    return math.log(classes) / 2
