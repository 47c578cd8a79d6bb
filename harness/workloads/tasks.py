"""What is trained: networks with data of their own, a replica for each block.

A replica's rows are cut into three parts: those to train on, those to validate with, and those that
stand for production, which no step of the loop ever sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.design.factors import Block
from harness.errors import HarnessError
from harness.libraries import functional, nn, torch
from harness.workloads.networks import mlp, small_cnn

if TYPE_CHECKING:
    from torch import Tensor

LINEAR, LOGISTIC, DIGITS = "linear regression", "logistic regression", "digits MLP"
SPIRAL_TANH, SPIRAL_RELU, CNN = "spiral MLP, tanh", "spiral MLP, ReLU", "digits CNN"
TASKS = (LINEAR, LOGISTIC, DIGITS, SPIRAL_TANH, SPIRAL_RELU, CNN)

VALIDATION = PRODUCTION = 0.2
SPIRAL_POINTS, SPIRAL_NOISE, SPIRAL_TURNS = 500, 0.1, 1.5
DROPOUT = 0.5


@dataclass(frozen=True)
class Part:
    """Inputs of shape (replicas, rows, features) and targets of shape (replicas, rows, ...)."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class TrainingTask:
    """A task for some replicas.

    Attributes:
        networks: one a replica, on the device, in train mode; a training run takes copies.
        train: rows to train on.
        val: rows to validate with.
        production: rows that neither is done with.
        loss: of outputs and targets, as ``Replicas.each`` takes it.
        seeds: one a replica, for the order of batches.
    """

    networks: tuple[nn.Module, ...]
    train: Part
    val: Part
    production: Part
    loss: Callable[..., Tensor]
    seeds: tuple[int, ...]

    @property
    def classifies(self) -> bool:
        """Whether targets are class numbers."""
        return not self.train.y.is_floating_point()

    def with_leak(self, share: float = 1.0) -> TrainingTask:
        """The task with rows of the validation set among those trained on, in the place of others.

        The number of rows to train on, and with it the number of steps, stays the same.

        Args:
            share: of the validation rows that leak, 0 to 1.
        """
        leaked = round(share * self.val.x.shape[1])
        x = torch.cat([self.val.x[:, :leaked], self.train.x[:, leaked:]], dim=1)
        y = torch.cat([self.val.y[:, :leaked], self.train.y[:, leaked:]], dim=1)
        return replace(self, train=Part(x, y))


def make_task(name: str, blocks: Sequence[Block]) -> TrainingTask:
    """A task with a replica for each block; all that is random comes from the block's own seed.

    Args:
        name: one of ``TASKS``.
        blocks: one or more, all on one device.

    Raises:
        HarnessError: unknown name.
    """
    if name not in TASKS:
        raise HarnessError(f"There is no task {name!r}; there are {', '.join(TASKS)}.")
    networks, parts = [], []
    for block in blocks:
        parts.append(cut_rows(*_rows(name, block.seed), block.seed))
        torch.manual_seed(block.seed)
        networks.append(_network(name).to(block.device))
    train, val, production = (
        Part(*(torch.stack(side).to(blocks[0].device) for side in zip(*part, strict=True)))
        for part in zip(*parts, strict=True)
    )
    loss = functional.mse_loss if name == LINEAR else functional.cross_entropy
    return TrainingTask(
        tuple(networks), train, val, production, loss, tuple(block.seed for block in blocks)
    )


def _network(name: str) -> nn.Module:
    if name == LINEAR:
        return nn.Linear(10, 1)
    if name == LOGISTIC:
        return nn.Linear(64, 10)
    if name == DIGITS:
        return mlp(64, 10)
    if name == CNN:
        return small_cnn(10, dropout=DROPOUT, batch_norm=True)
    return mlp(2, 2, hidden=32, activation=nn.Tanh if name == SPIRAL_TANH else nn.ReLU)


def _rows(name: str, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs (rows, features) and targets; only those of the spiral depend on the seed."""
    if name in (SPIRAL_TANH, SPIRAL_RELU):
        return spiral(SPIRAL_POINTS, SPIRAL_NOISE, seed)
    from sklearn.datasets import load_diabetes, load_digits

    if name == LINEAR:
        x, y = load_diabetes(return_X_y=True, scaled=True)
        y = (y - y.mean()) / y.std()
        # Scaled, its columns have a sum of squares of 1.
        return torch.tensor(x * math.sqrt(len(x))).float(), torch.tensor(y).float()[:, None]
    x, y = load_digits(return_X_y=True)
    return torch.tensor((x - 8) / 4).float(), torch.tensor(y)


def spiral(
    points: int, noise: float, seed: int, turns: float = SPIRAL_TURNS
) -> tuple[Tensor, Tensor]:
    """Two arms of a spiral around each other.

    Args:
        points: of both arms together; even.
        noise: standard deviation of what is added to each coordinate; the arms reach to 2.
        seed: of the noise.
        turns: of each arm.

    Returns:
        Coordinates, shape (points, 2), and the arm of each, shape (points,), arm after arm.
    """
    generator = torch.Generator().manual_seed(seed)
    along = torch.linspace(0.1, 1, points // 2)
    angle = 2 * math.pi * turns * along
    arm = 2 * along[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    x = torch.cat([arm, -arm])
    x = x + noise * torch.randn(x.shape, generator=generator)
    return x, torch.arange(points) // (points // 2)


def cut_rows(x: Tensor, y: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Train, validation and production rows, in an order drawn from the seed."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    val, production = round(VALIDATION * len(x)), round(PRODUCTION * len(x))
    cuts = order.split([len(x) - val - production, val, production])
    return [(x[rows], y[rows]) for rows in cuts]
