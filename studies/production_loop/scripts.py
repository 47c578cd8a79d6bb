"""Small training scripts that differ in what has state: networks, optimisers, schedules, orders.

Each trains on 96 rows of random numbers for four epochs. Where it draws the order of its rows from,
and the noise that it adds to them, is what sets the scripts apart for a resume: from torch as a
``DataLoader`` does, from NumPy, or from Python.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.libraries import functional, torch
from harness.workloads import mlp, small_cnn
from studies.production_loop.checkpoints import NUMPY, PYTHON, TORCH, Trained
from studies.production_loop.loop import Work

if TYPE_CHECKING:
    from torch import Tensor

ROWS, FEATURES, CLASSES, BATCH, EPOCHS = 96, 64, 10, 16, 4
BATCHES = ROWS // BATCH

ADAM = "perceptron, Adam, cosine"
NORMED = "batch norm and dropout, AdamW, steps"
CONV = "conv net, momentum, one cycle"
BY_NUMPY = "order drawn by NumPy"
BY_PYTHON = "order drawn by Python"
NOISY = "noise drawn by NumPy"
#: The random states that each script draws from once it trains.
DRAWS = {
    ADAM: (TORCH,),
    NORMED: (TORCH,),
    CONV: (TORCH,),
    BY_NUMPY: (NUMPY,),
    BY_PYTHON: (PYTHON,),
    NOISY: (TORCH, NUMPY),
}
SCRIPTS = tuple(DRAWS)


@dataclass
class Script:
    """A script that has begun: what it trains, and the orders of rows that it has drawn."""

    work: Work
    orders: list[list[int]] = field(default_factory=list)


def begin(name: str, seed: int) -> Script:
    """Seed everything and build a script's objects, as it does at each of its starts.

    Args:
        name: one of ``SCRIPTS``.
        seed: of all three random generators.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the stream that document C seeds
    torch.manual_seed(seed)
    rows = torch.randn(ROWS + BATCH, FEATURES)
    labels = torch.randint(CLASSES, (ROWS + BATCH,))
    trained = _objects(name)
    orders: list[list[int]] = []

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        order = _order(name)
        orders.append(order.tolist())
        for chosen in order.split(BATCH):
            x = rows[chosen]
            if name == NOISY:
                noise = np.random.standard_normal(x.shape)  # noqa: NPY002 - as above
                x = x + 0.1 * torch.from_numpy(noise).float()
            yield x, labels[chosen]

    def validate(_: int) -> tuple[float, float]:
        trained.net.eval()
        with torch.no_grad():
            out = trained.net(rows[ROWS:])
        right = (out.argmax(1) == labels[ROWS:]).float().mean().item()
        return functional.cross_entropy(out, labels[ROWS:]).item(), right

    return Script(Work(trained, batches, validate, EPOCHS, functional.cross_entropy), orders)


def _objects(name: str) -> Trained:
    """Network, optimiser and a schedule of epochs."""
    schedules = torch.optim.lr_scheduler
    optimiser: torch.optim.Optimizer
    if name == NORMED:
        net = mlp(FEATURES, CLASSES, hidden=32, dropout=0.5, batch_norm=True)
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
        return Trained(net, optimiser, schedules.StepLR(optimiser, step_size=3))
    if name == CONV:
        net = small_cnn(CLASSES, batch_norm=True)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        one_cycle = schedules.OneCycleLR(optimiser, max_lr=0.05, total_steps=3 * EPOCHS)
        return Trained(net, optimiser, one_cycle)
    net = mlp(FEATURES, CLASSES, hidden=32)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    return Trained(net, optimiser, schedules.CosineAnnealingLR(optimiser, T_max=EPOCHS))


def _order(name: str) -> Tensor:
    """The rows of an epoch in an order drawn from the script's global stream."""
    if name == BY_NUMPY:
        return torch.from_numpy(np.random.permutation(ROWS))  # noqa: NPY002 - as above
    if name == BY_PYTHON:
        places = list(range(ROWS))
        random.shuffle(places)
        return torch.tensor(places)
    # As a loader with shuffle=True draws it, when an epoch begins.
    sampler = torch.utils.data.RandomSampler(range(ROWS))
    return torch.tensor(list(sampler))
