"""The smallest work for the loop: one weight, so that what the loop does can be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.libraries import nn, torch
from studies.production_loop.checkpoints import Trained
from studies.production_loop.loop import Work

if TYPE_CHECKING:
    from torch import Tensor

RATE = 1e-3


def tiny(
    batches: int | Sequence[float],
    epochs: int,
    validate: Callable[[int], float] = lambda _: 1.0,
) -> Work:
    """A weight whose loss is its product with each batch's number; the gradient is that number.

    Args:
        batches: how many an epoch has, of the number 1, or the numbers themselves.
        epochs: planned.
        validate: the validation loss after an epoch.
    """
    numbers = [1.0] * batches if isinstance(batches, int) else list(batches)
    net = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(net.weight)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=epochs)

    def once() -> Iterator[tuple[Tensor, Tensor]]:
        for number in numbers:
            x = torch.full((1, 1), number, dtype=torch.float64)
            yield x, x

    return Work(
        Trained(net, optimiser, scheduler),
        once,
        lambda epoch: (validate(epoch), 0.5),
        epochs,
        lambda out, _: out.sum(),
    )
