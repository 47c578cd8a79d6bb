"""Is each worker a separate process?

The data set's examples are the number of the process that was asked for them. In an epoch in which
every worker has batches to make, the different processes are counted, and it is looked whether the
process of the training loop is one of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from studies.dataloader.loaders import make_loader

BATCH = 4
WORKERS = Factor("workers", (0, 1, 2, 4))
PERSISTENT = Factor("persistent", (False, True))

CLAIMS = (
    Claim(
        "C1.19",
        Value("processes_per_worker").at(workers=(1, 2, 4)).always(),
        equals(1.0),
        reading="As many processes as workers make the batches of an epoch.",
    ),
    Claim(
        "C1.19",
        Value("by_the_loop").at(workers=(1, 2, 4)).always(),
        equals(0.0),
        reading="None of the examples is made by the process that trains.",
    ),
    Control(
        "without workers the process that trains makes them all",
        Value("by_the_loop").at(workers=0).always(),
        equals(1.0),
    ),
)


@dataclass(frozen=True)
class Whereabouts:
    """Examples that are the number of the process that makes them."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return os.getpid()


def measure(_: Block, arm: Arm) -> Responses:
    """Load an epoch of two batches a worker."""
    workers = arm[WORKERS]
    loader = make_loader(
        Whereabouts(2 * BATCH * max(workers, 1)),
        batch_size=BATCH,
        num_workers=workers,
        persistent_workers=arm[PERSISTENT],
    )
    made_by = [int(process) for batch in loader for process in batch]
    return {
        "processes_per_worker": len(set(made_by)) / max(workers, 1),
        "by_the_loop": made_by.count(os.getpid()) / len(made_by),
    }


def _possible(arm: Arm) -> bool:
    """Where there are no workers, none can stay."""
    return arm[WORKERS] > 0 or not arm[PERSISTENT]


EXPERIMENT = Experiment(
    question="Is each worker a separate process?",
    factors=(WORKERS, PERSISTENT),
    only=_possible,
    blocks=PerProfile(1, 3, 10),
    measure=measure,
    responses=(
        Response("processes_per_worker", "1", "processes per worker"),
        Response("by_the_loop", "1", "by the loop"),
    ),
    claims=CLAIMS,
)
