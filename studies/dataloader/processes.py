"""Is each worker a separate process, and does it stay for the next epoch?

The data set's examples are the number of the process that was asked for them. In an epoch in which
every worker has batches to make, the different processes are counted, and it is looked whether the
process of the training loop is one of them. A second epoch shows which of its processes were there
in the first: with persistent workers all of them should have been, by default none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

BATCH = 4
SOME = (1, 2, 4)
WORKERS = Factor(
    "workers", (0, *SOME), words={0: "no workers", 1: "1 worker", 2: "2 workers", 4: "4 workers"}
)
PERSISTENT = Factor(
    "persistent", (False, True), words={False: "by default", True: "persistent workers"}
)

CLAIMS = (
    Claim(
        "C1.19",
        Value("processes_per_worker").at(workers=SOME).always(),
        equals(1.0),
        reading="As many processes as workers make the batches of an epoch.",
        headline={"workers": 2, "persistent": False},
    ),
    Claim(
        "C1.19",
        Value("by_the_loop").at(workers=SOME).always(),
        equals(0.0),
        reading="None of the examples is made by the process that trains.",
    ),
    Claim(
        "C9.08",
        Value("new_processes").at(workers=SOME, persistent=True).always(),
        equals(0.0),
        reading="Avoids respawning: where workers persist, no process of the second epoch is new.",
        headline={"workers": 2},
    ),
    Claim(
        "C9.08",
        Value("new_processes").at(workers=SOME, persistent=False).always(),
        equals(1.0),
        reading="By default there is respawning: every process of the second epoch is new.",
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
    """Load two epochs of two batches a worker."""
    workers = arm[WORKERS]
    loader = make_loader(
        Whereabouts(2 * BATCH * max(workers, 1)),
        batch_size=BATCH,
        num_workers=workers,
        persistent_workers=arm[PERSISTENT],
    )
    first, second = makers(loader), makers(loader)
    return {
        "processes_per_worker": len(set(first)) / max(workers, 1),
        "by_the_loop": first.count(os.getpid()) / len(first),
        "new_processes": len(set(second) - set(first)) / len(set(second)),
    }


def makers(loader: DataLoader[Any]) -> list[int]:
    """The processes that make the examples of an epoch, one for each example."""
    return [int(process) for batch in loader for process in batch]


def _possible(arm: Arm) -> bool:
    """Where there are no workers, none can stay."""
    return arm[WORKERS] > 0 or not arm[PERSISTENT]


EXPERIMENT = Experiment(
    question="Is each worker a separate process, and does it stay for the next epoch?",
    factors=(WORKERS, PERSISTENT),
    only=_possible,
    blocks=PerProfile(1, 3, 10),
    measure=measure,
    responses=(
        Response("processes_per_worker", "1", "the number of processes for each worker"),
        Response("by_the_loop", "1", "the share of examples made by the process that trains"),
        Response("new_processes", "1", "the share of the second epoch's processes that are new"),
    ),
    claims=CLAIMS,
)
