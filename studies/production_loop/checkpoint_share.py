"""Which share of the time do checkpoints take, by the steps between two of them?

To write the document's checkpoint to the disk, until the disk has it (``fsync``), is timed beside
training steps of the same network, with Adam and batches of 32, in turns: some steps twice, a
checkpoint, as many steps again. A checkpoint costs its own time, and what the steps after it take
more than those before it, for they find the caches cold. With one every N steps that is its share
of the time of N steps and itself.

The passage names neither the network nor N; its script saves after an epoch at most. The share is
judged for an epoch of 313 steps, that of the document's own 10,000 examples in batches of 32, and
shown as a curve over other intervals, with the range in which it is about 1 %. The networks are of
a size that keeps the device busy. Blocks run by themselves, for they ask for two threads; one does
the work, as in all that is timed. The same steps twice, with nothing between, are the control.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    between,
    equals,
)
from harness.figures import BLACK, PALETTE, told
from harness.libraries import torch
from studies.production_loop.cost_table import EPOCH, ROWS, SAVE, STEP, component
from studies.production_loop.workloads import REALISTIC, TRANSFORMER, job

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness import Task

NET = Factor("net", REALISTIC, label="network")
INTERVALS = (3, 10, 30, 100, EPOCH, 1000, 3000, 10_000)
INTERVAL = Factor(
    "interval",
    INTERVALS,
    label="training steps from one checkpoint to the next",
    words={steps: f"one in {steps:,} steps" for steps in INTERVALS},
)
#: What "about 1 %" is.
LEAST, MOST = 0.5, 2.0
#: Training steps that are timed together, twice before a checkpoint and once after it.
STEPS = 5

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C7.37",
        Value("share").along(INTERVAL, judged=(EPOCH,)),
        between(LEAST, MOST),
        reading="About 1 % of the time: between 0.5 and 2 % of it, with one checkpoint in an epoch "
        "of 313 steps (10,000 examples in batches of 32), written until the disk has it; what the "
        "steps after it take longer is its cost, too.",
        headline={"net": TRANSFORMER, "interval": EPOCH},
    ),
    Control(
        "steps take as long as the same steps before them, with nothing between",
        Value("still").at(interval=EPOCH),
        equals(1.0, within=0.1),
    ),
)
RESPONSES = (
    Response("share", "%", "share of the time that checkpoints take"),
    Response("length", "1", "cost of a checkpoint over the time of a training step"),
    Response("again", "1", "time of the steps after a checkpoint over that of those before it"),
    Response("still", "1", "time of steps over that of the same steps before them"),
)


class Times(NamedTuple):
    """Medians over the rounds of a block."""

    length: float
    again: float
    still: float


def prepare(block: Block) -> Mapping[str, Times]:
    """Time every network."""
    with tempfile.TemporaryDirectory() as folder, one_thread():
        return {name: timed(name, block, Path(folder)) for name in REALISTIC}


@contextmanager
def one_thread() -> Iterator[None]:
    """Have operations computed by one thread, whatever the block was given."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def timed(
    name: str, block: Block, folder: Path, clock: Callable[[], float] = time.perf_counter
) -> Times:
    """Take turns: steps twice, a checkpoint, steps; the first round is not counted.

    Args:
        name: of the network.
        block: its effort is the number of rounds.
        folder: where checkpoints go.
        clock: seconds.
    """
    made = job(name, ROWS, block.device, block.seed)
    step, save = (component(made, work, folder) for work in (STEP, SAVE))
    rounds = []
    for _ in range(1 + block.effort):
        first, before = (seconds(step, STEPS, block.device, clock) for _ in range(2))
        saving = seconds(save, 1, block.device, clock)
        after = seconds(step, STEPS, block.device, clock)
        cost = saving + STEPS * (after - before)
        rounds.append((cost / before, after / before, before / first))
    return Times(*np.median(rounds[1:], axis=0).tolist())


def seconds(task: Task, calls: int, device: str, clock: Callable[[], float]) -> float:
    """Seconds of a call, from a device that has nothing to do to one that has done everything."""
    synchronise(device)
    started = clock()
    for _ in repeat(None, calls):
        task()
    synchronise(device)
    return (clock() - started) / calls


def synchronise(device: str) -> None:
    """Wait until a GPU has done its work."""
    if device == "cuda":
        torch.cuda.synchronize()


def share(length: float, interval: int) -> float:
    """The per cent of all time that a checkpoint of so many steps' length takes."""
    return 100 * length / (interval + length)


def measure(times: Mapping[str, Times], arm: Arm) -> Responses:
    """The share at an interval."""
    found = times[arm[NET]]
    return {"share": share(found.length, arm[INTERVAL]), **found._asdict()}


def checkpoint_by_interval(table: pd.DataFrame) -> Figure:
    """The share of the time that checkpoints take, by the steps between two of them."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(LEAST, MOST, color="#E8E8E8", zorder=0, label="about 1 %")
    axes.axvline(
        EPOCH, color=BLACK, linestyle="--", linewidth=1.5, label=f"an epoch: {EPOCH} steps"
    )
    shares = table[table["response"] == "share"]
    for name, colour in zip(NET.levels, PALETTE, strict=False):
        by_interval = shares[shares["net"] == name].groupby("interval")["value"]
        low, middle, high = (by_interval.quantile(q) for q in (0.1, 0.5, 0.9))
        label = name if middle.notna().any() else f"{name}: failed"
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(middle.index, middle, "o-", color=colour, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 100)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(INTERVAL.title)
    axes.set_ylabel("time that checkpoints take (%)")
    axes.legend(loc="lower left", fontsize=14)
    of_epoch = shares[(shares["interval"] == EPOCH) & (shares["net"] == TRANSFORMER)]["value"]
    figure.suptitle(
        f"How much time checkpoints take is a matter of the interval:\nonce in {EPOCH} steps "
        f"{told(of_epoch, '.2f', '%')} for the {TRANSFORMER}",
        fontsize=18,
    )
    blocks = table["block"].nunique()
    axes.set_title(
        f"{blocks} process{'es' if blocks > 1 else ''}; lines: medians, bands: middle 80 %",
        loc="left",
        fontsize=14,
        color="#555555",
    )
    return figure


EXPERIMENT = Experiment(
    question="Which share of the time do checkpoints take, by the steps between two of them?",
    factors=(NET, INTERVAL),
    blocks=PerProfile(1, 12, 20),
    effort=PerProfile(2, 12, 24),  # rounds
    threads=2,  # no block of a single thread beside it
    fresh_process=True,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(checkpoint_by_interval,),
)
