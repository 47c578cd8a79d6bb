"""The learning rates that an optimiser's steps really use, whatever the scheduler says it has set.

Read inside ``optimizer.step()``, by a hook: that is the rate the weights move by.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import nn, torch
from studies.step_anatomy.listing import RATE, STEP_SIZE

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

MakeScheduler = Callable[["Optimizer"], "LRScheduler"]


class Traced(NamedTuple):
    """What a trace found.

    Attributes:
        used: the rate of each update.
        after: the rate that stands after the last step of the scheduler.
        warned: how many warnings there were.
    """

    used: list[float]
    after: float
    warned: int


def trace(
    make: MakeScheduler,
    updates: int,
    *,
    optimiser: str = "SGD",
    rate: float = RATE,
    every: int = 1,
    scheduler_first: bool = False,
) -> Traced:
    """Train a single number for some updates, and note the rate of each.

    Args:
        make: makes the scheduler.
        updates: how many.
        optimiser: a class of ``torch.optim``.
        rate: the configured one.
        every: so many updates for each step of the scheduler: 1 where it is stepped per batch, the
            batches of an epoch where it is stepped per epoch.
        scheduler_first: whether it is stepped before the optimiser and not after it.
    """
    weight = nn.Parameter(torch.ones(1))
    stepped: Optimizer = getattr(torch.optim, optimiser)([weight], lr=rate)
    used: list[float] = []
    stepped.register_step_pre_hook(lambda own, *_: used.append(float(own.param_groups[0]["lr"])))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scheduler = make(stepped)
        for update in range(1, updates + 1):
            stepped.zero_grad()
            weight.sum().backward()
            due = update % every == 0
            if due and scheduler_first:
                scheduler.step()
            stepped.step()
            if due and not scheduler_first:
                scheduler.step()
    return Traced(used, float(stepped.param_groups[0]["lr"]), len(caught))


def of_defaults(name: str) -> MakeScheduler:
    """A scheduler of torch by its name, told nothing."""

    def make(optimiser: Optimizer) -> LRScheduler:
        scheduler: LRScheduler = getattr(torch.optim.lr_scheduler, name)(optimiser)
        return scheduler

    return make


def step_lr(optimiser: Optimizer) -> LRScheduler:
    """The listing's: a tenth of the rate after every 100 steps."""
    return torch.optim.lr_scheduler.StepLR(optimiser, step_size=STEP_SIZE)


def cosine(length: int) -> MakeScheduler:
    """A cosine of some steps."""
    return lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=length)


def step_lr_by_hand(step: int, rate: float = RATE) -> float:
    """What StepLR(100) should set after so many of its steps."""
    return float(rate / 10 ** (step // STEP_SIZE))


def cosine_by_hand(step: int, length: int, rate: float = RATE) -> float:
    """What a cosine of some length should set after so many of its steps, up to its end."""
    return rate * (1 + math.cos(math.pi * step / length)) / 2
