"""What do counters of steps count when gradients are accumulated?

The passage compares frameworks, and takes two whose counters differ for one and the same run. This
project has one that runs a loop: the Trainer of transformers, which counts steps, does not start
without a package that is not installed. So the claim stays open; what stands beside it are two
counters inside torch that differ, in an epoch of 10,000 examples at batch 32 with 4 batches to an
update: the one of Adam, and the one of batch norm. Neither asks where the user calls it: both count
what happens to them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from harness import Fact, Unmeasurable, facts
from harness.libraries import functional, nn, torch

EXAMPLES, BATCH, ACCUMULATE = 10_000, 32, 4
INSIDE_ONE = "counters inside one framework, where the passage compares frameworks"


class Counters(NamedTuple):
    """What an epoch left in the counters, and what happened by our own count."""

    adam: int
    batch_norm: int
    updates: int
    passes: int


@cache
def an_epoch() -> Counters:
    """Train one epoch, and read the counters."""
    norm, linear = nn.BatchNorm1d(1), nn.Linear(1, 1)
    net = nn.Sequential(norm, linear)
    optimiser = torch.optim.Adam(net.parameters())
    rows: Any = torch.randn(EXAMPLES, 1)
    loader: Any = torch.utils.data.DataLoader(rows, batch_size=BATCH)
    updates = passes = 0
    for x in loader:
        (functional.mse_loss(net(x), x) / ACCUMULATE).backward()
        passes += 1
        if passes % ACCUMULATE == 0:
            optimiser.step()
            optimiser.zero_grad()
            updates += 1
    counted = norm.num_batches_tracked
    return Counters(
        adam=int(optimiser.state[linear.weight]["step"].item()),
        batch_norm=0 if counted is None else int(counted.item()),
        updates=updates,
        passes=passes,
    )


EXPERIMENT = facts(
    "What do counters of steps count when gradients are accumulated?",
    Fact(
        "C0.18",
        "Adam's counter of steps counts weight updates",
        lambda: an_epoch().adam,
        lambda: an_epoch().updates,
        lambda: an_epoch().batch_norm,
        beyond=INSIDE_ONE,
    ),
    Fact(
        "C0.18",
        "batch norm's counter of batches counts micro-batches",
        lambda: an_epoch().batch_norm,
        lambda: an_epoch().passes,
        lambda: an_epoch().adam,
        beyond=INSIDE_ONE,
    ),
    more=(
        Unmeasurable(
            "C0.18",
            needs="two training frameworks that run: accelerate, without which the Trainer of "
            "transformers does not start, and Lightning or Ignite",
            why="the claim compares the counters of frameworks on one run, and no second framework "
            "is installed here; reading their documentation would be no count.",
        ),
    ),
)
