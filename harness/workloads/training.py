"""The plain training loop for small classifiers, with its own stream for the order of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor


def fit_classifier(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    seed: int,
    epochs: int = 20,
    batch_size: int = 64,
    lr: float = 3e-3,
) -> nn.Module:
    """Train a classifier in place, all epochs at once; see ``train_epochs``.

    Returns:
        The model itself.
    """
    for _ in train_epochs(model, x, y, seed=seed, epochs=epochs, batch_size=batch_size, lr=lr):
        pass
    return model


def train_epochs(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    seed: int,
    epochs: int,
    batch_size: int = 64,
    lr: float = 3e-3,
) -> Iterator[int]:
    """Train a classifier in place with Adam and cross-entropy, one epoch for each number asked.

    The order of batches comes from ``seed`` alone and dropout from torch's global stream, so that
    two models trained with one seed see the same batches.

    Args:
        model: maps (batch, features...) to (batch, classes) logits; its mode is not changed.
        x: inputs, first dimension n.
        y: class numbers, shape (n,).
        seed: of the order of batches.
        epochs: passes over the data; the last, smaller batch of each is used too, unless it would
            hold a single row, which batch norm refuses.
        batch_size: rows a step.
        lr: Adam's learning rate.

    Yields:
        The number of epochs done: 1, 2, ...
    """
    order = torch.Generator().manual_seed(seed)
    # Fused: one call for all parameters, which halves the time of a step of a small network.
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    for done in range(1, epochs + 1):
        for rows in torch.randperm(len(x), generator=order).to(x.device).split(batch_size):
            if len(rows) < 2:
                continue
            optimiser.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
        yield done
