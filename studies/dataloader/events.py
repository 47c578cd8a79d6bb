"""In which order do sampler, batch sampler, data set, collation and model have their turn?

Sampler, batch sampler, data set, collation and a stand-in for the model each write a line into one
file when they are called: who, and for which examples. The lines of all processes stand in the
order in which they were written; from these, the course of every batch is read.

With workers the sampler is asked ahead of the model: the order is judged for every batch by itself,
not for the epoch as a whole. That a batch's examples are asked for in the sampler's order and then
stacked is judged in the training process, and shown for workers, among which batches interleave.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, BATCH = 100, 16
BATCHES = -(-EXAMPLES // BATCH)

WORKERS = Factor("workers", (0, 2), control=0, words={0: "no workers", 2: "2 workers"})
SHUFFLE = Factor("shuffle", (False, True), words={False: "in order", True: "shuffled"})

CLAIMS = (
    Claim(
        "C1.15",
        Value("stacked_in_order").at(workers=0).always(),
        equals(1.0),
        reading="In every batch the data set is asked for exactly the examples that the sampler "
        "drew, one by one in its order, and the stacking follows when the last one is there.",
        headline={"shuffle": True},
    ),
    Beyond(
        "C1.15",
        Value("stacked_in_order").at(workers=2).always(),
        equals(1.0),
        why="workers, among which the batches of an epoch interleave",
    ),
    Claim(
        "C1.22",
        Value("through_the_stages").always(),
        equals(1.0),
        reading="Every batch passes sampler, batch sampler, data set, collation and model, each "
        "stage after the one before has done all of the batch.",
        headline={"workers": 2, "shuffle": True},
    ),
    Claim(
        "C1.22",
        Value("made_by_workers").at(workers=2).always(),
        equals(1.0),
        reading="With workers, the data set is asked in their processes, and in all of them.",
    ),
    Control(
        "without workers there is one process",
        Value("made_by_workers").at(workers=0).always(),
        equals(0.0),
    ),
    Control(
        "with workers the sampler is ahead of the model",
        Value("drawn_ahead").at(workers=2).always(),
        at_least(2.0),
    ),
)


class Event(NamedTuple):
    """A line of the log: who was called, in which process, for which examples."""

    stage: str
    process: int
    examples: tuple[int, ...]


@dataclass(frozen=True)
class Log:
    """A file to which several processes append lines."""

    path: str

    def write(self, stage: str, examples: Sequence[int]) -> None:
        """Append a line; as short as it is, it is written in one piece."""
        line = " ".join([stage, str(os.getpid()), *map(str, examples)])
        with Path(self.path).open("a") as file:
            file.write(f"{line}\n")

    def read(self) -> list[Event]:
        """All lines, in the order they were written."""
        lines = (line.split() for line in Path(self.path).read_text().splitlines())
        return [
            Event(stage, int(process), tuple(map(int, rest))) for stage, process, *rest in lines
        ]


@dataclass(frozen=True)
class LoggedSampler:
    """Draws the examples in a given order."""

    order: tuple[int, ...]
    log: Log

    def __iter__(self) -> Iterator[int]:
        for example in self.order:
            self.log.write("sampler", [example])
            yield example

    def __len__(self) -> int:
        return len(self.order)


@dataclass(frozen=True)
class LoggedBatchSampler:
    """Groups what the sampler draws."""

    sampler: LoggedSampler
    log: Log

    def __iter__(self) -> Iterator[list[int]]:
        for batch in torch.utils.data.BatchSampler(self.sampler, BATCH, drop_last=False):
            self.log.write("batch_sampler", batch)
            yield batch

    def __len__(self) -> int:
        return BATCHES


@dataclass(frozen=True)
class LoggedDataset:
    """The numbers from 0 on."""

    log: Log

    def __len__(self) -> int:
        return EXAMPLES

    def __getitem__(self, index: int) -> Tensor:
        self.log.write("dataset", [index])
        return torch.tensor(index)


@dataclass(frozen=True)
class LoggedCollation:
    """The default collation."""

    log: Log

    def __call__(self, examples: list[Tensor]) -> Tensor:
        """Stack the examples."""
        self.log.write("collation", [int(example) for example in examples])
        batch: Tensor = torch.utils.data.default_collate(examples)
        return batch


def measure(_: Block, arm: Arm) -> Responses:
    """Run an epoch and read from the log what became of every batch."""
    order = torch.randperm(EXAMPLES) if arm[SHUFFLE] else torch.arange(EXAMPLES)
    with tempfile.NamedTemporaryFile() as file:
        log = Log(file.name)
        run_epoch(tuple(order.tolist()), log, arm[WORKERS])
        events = log.read()
    batches = [tuple(order[i : i + BATCH].tolist()) for i in range(0, EXAMPLES, BATCH)]
    first_model = [event.stage for event in events].index("model")
    asked_in = {e.process for e in events if e.stage == "dataset"}
    drawn_ahead = sum(event.stage == "batch_sampler" for event in events[:first_model])
    return {
        "stacked_in_order": share(stacked_in_order(events, batch) for batch in batches),
        "through_the_stages": share(through_the_stages(events, batch) for batch in batches),
        "made_by_workers": float(by_workers(asked_in, arm[WORKERS])),
        "drawn_ahead": float(drawn_ahead),
    }


def run_epoch(order: tuple[int, ...], log: Log, workers: int) -> None:
    """One epoch whose every stage writes into the log."""
    loader = make_loader(
        LoggedDataset(log),
        batch_sampler=LoggedBatchSampler(LoggedSampler(order, log), log),
        collate_fn=LoggedCollation(log),
        num_workers=workers,
    )
    for batch in loader:
        log.write("model", batch.tolist())


def by_workers(processes: set[int], workers: int) -> bool:
    """Whether these are as many processes as there are workers, and this one is none of them."""
    return len(processes) == workers and os.getpid() not in processes


def share(truths: Iterator[bool]) -> float:
    """How many of them are true, of 1."""
    found = list(truths)
    return sum(found) / len(found)


def stacked_in_order(events: list[Event], batch: tuple[int, ...]) -> bool:
    """The process that stacks the batch was just asked for its examples, in the sampler's order."""
    stacking = [e for e in events if e.stage == "collation" and e.examples == batch]
    if len(stacking) != 1:
        return False
    before = events[: events.index(stacking[0])]
    asked = [
        e.examples[0] for e in before if (e.stage, e.process) == ("dataset", stacking[0].process)
    ]
    return tuple(asked[-len(batch) :]) == batch


def through_the_stages(events: list[Event], batch: tuple[int, ...]) -> bool:
    """All of a stage's lines for the batch's examples come after those of the stage before."""
    members = set(batch)
    reached = -1
    for stage in ("sampler", "batch_sampler", "dataset", "collation", "model"):
        places = [
            place
            for place, event in enumerate(events)
            if event.stage == stage and members & set(event.examples)
        ]
        done = [example for place in places for example in events[place].examples]
        if tuple(done) != batch or places[0] <= reached:
            return False
        reached = places[-1]
    return True


EXPERIMENT = Experiment(
    question="In which order do sampler, batch sampler, data set, collation and model come?",
    factors=(WORKERS, SHUFFLE),
    blocks=PerProfile(1, 10, 20),
    measure=measure,
    responses=(
        Response(
            "stacked_in_order", "1", "the share of batches asked for in order and then stacked"
        ),
        Response("through_the_stages", "1", "the share of batches that pass the stages in order"),
        Response("made_by_workers", "yes/no", "the data set is asked by all workers and them only"),
        Response("drawn_ahead", "batches", "the number of batches drawn before the model's first"),
    ),
    claims=CLAIMS,
)
