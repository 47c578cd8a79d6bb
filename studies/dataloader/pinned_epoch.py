"""What does pinned memory save over a whole epoch, the pinning itself included?

A copy from pinned memory may be faster (``transfer``), but somebody has to put the batch there: the
loader does, before it hands the batch out. Users report that the time only moves, from copying to
waiting. So a small conv net is trained for an epoch on batches of 32 images of 224 x 224 pixels,
with and without pinning, loaded by no or by two workers, copied blocking or not; and three clocks
run: while the loop waits for the next batch, while it asks for the copy, and over the whole epoch,
at whose end the device has done its work. A copy that does not block returns at once, and what it
takes is then in neither of the two columns, but in the whole.

All arms of a block share images, network and process. They are visited in turn, in an order that
changes every round, after a round that warms up; the loader without pinning is visited twice, as
the control that can fail: a second one must take as long. The passage speaks of the transfer alone,
so that an epoch is beyond its words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
    equals,
    less_than,
)
from harness.figures import BLUE, GREEN, ORANGE, told, wide
from harness.libraries import functional, nn, torch
from harness.workloads import convnet
from studies.dataloader.loaders import make_loader
from studies.dataloader.transfer import FASTER, NON_BLOCKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

BATCH, BATCHES, SIDE, CLASSES = 32, 6, 224, 10
#: Different images, of which the epoch has each several times: they fill no memory.
IMAGES = 2 * BATCH
#: Of a batch: below it nobody would call the time moved.
MOVED_MS = 0.5
AA_WITHIN = 0.025

OFF, AGAIN, ON = "off", "off, again", "on"
PIN = Factor(
    "pin",
    (OFF, AGAIN, ON),
    control=OFF,
    words={OFF: "pinning off", AGAIN: "pinning off, a second loader", ON: "pinning on"},
)
WORKERS = Factor("workers", (0, 2), words={0: "no workers", 2: "2 workers"})

CLAIMS = (
    Beyond(
        "C1.11",
        Ratio("total", PIN).against(ON).at(pin=OFF).by_round(),
        at_least(FASTER),
        why="a whole epoch of training, of which the transfer is a part",
        reading="Faster: without pinning an epoch takes at least 5 % longer than with it.",
        needs="cuda",
    ),
    Beyond(
        "C1.11",
        Difference("waiting", PIN).at(pin=ON).by_round(),
        less_than(MOVED_MS),
        why="what the loop waits for the loader, where the passage has the transfer",
        reading="Nothing moved: with pinning the loop waits less than "
        f"{MOVED_MS:g} ms longer for each batch.",
        needs="cuda",
    ),
    Control(
        "a second loader without pinning takes as long",
        Ratio("total", PIN).at(pin=AGAIN).by_round(),
        equals(1.0, within=AA_WITHIN),
    ),
)


class Times(NamedTuple):
    """Milliseconds a batch."""

    waiting: float
    copying: float
    total: float


@dataclass(frozen=True)
class Images:
    """An epoch of images in memory, with their classes."""

    images: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return BATCH * BATCHES

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        place = index % len(self.images)
        return self.images[place], self.classes[place]


def prepare(block: Block) -> Mapping[tuple[Any, ...], list[Times]]:
    """The times of every arm, round by round, after a round that is not counted."""
    images = Images(torch.rand(IMAGES, 3, SIDE, SIDE), torch.randint(CLASSES, (IMAGES,)))
    model = convnet((16, 32), CLASSES).to(block.device)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4)
    loaders = {
        (workers, pin): make_loader(
            images,
            batch_size=BATCH,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin == ON,
        )
        for workers in WORKERS.levels
        for pin in PIN.levels
    }

    def step(x: Tensor, y: Tensor) -> None:
        train(model, optimiser, x, y)

    arms = [(*at, blocks_not) for at in loaders for blocks_not in NON_BLOCKING.levels]
    orders = np.random.default_rng(block.seed)
    times: dict[tuple[Any, ...], list[Times]] = {arm: [] for arm in arms}
    for _ in range(1 + block.effort):
        for place in orders.permutation(len(arms)).tolist():
            workers, pin, non_blocking = arms[place]
            times[arms[place]].append(
                epoch(loaders[workers, pin], step, block.device, non_blocking=non_blocking)
            )
    return {arm: rounds[1:] for arm, rounds in times.items()}


def measure(times: Mapping[tuple[Any, ...], Sequence[Times]], arm: Arm) -> Responses:
    """The times of an arm, one a round."""
    rounds = times[arm[WORKERS], arm[PIN], arm[NON_BLOCKING]]
    return {name: [getattr(each, name) for each in rounds] for name in Times._fields}


def train(model: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """A training step."""
    optimiser.zero_grad()
    functional.cross_entropy(model(x), y).backward()
    optimiser.step()


def epoch(
    loader: Iterable[tuple[Tensor, Tensor]],
    step: Callable[[Tensor, Tensor], object],
    device: str,
    *,
    non_blocking: bool,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """An epoch, from a device that has nothing to do to one that has done everything.

    Args:
        loader: whose first batch is waited for as well.
        step: is given each batch on the device.
        device: where to.
        non_blocking: whether to ask for copies and go on.
        clock: seconds.
    """
    synchronise(device)
    waiting = copying = 0.0
    count = 0
    started = before = clock()
    for x, y in loader:
        there = clock()
        on_device = [each.to(device, non_blocking=non_blocking) for each in (x, y)]
        asked = clock()
        step(*on_device)
        waiting, copying, count = waiting + there - before, copying + asked - there, count + 1
        before = clock()
    # The loop asked for a batch more than there are.
    waiting += clock() - before
    synchronise(device)
    total = clock() - started
    return Times(*(1000 * seconds / count for seconds in (waiting, copying, total)))


def synchronise(device: str) -> None:
    """Wait until a GPU has done its work."""
    if device == "cuda":
        torch.cuda.synchronize()


def where_the_time_goes(table: pd.DataFrame) -> Figure:
    """Waiting, copying and the rest of a batch's time, with and without pinning."""
    from matplotlib.figure import Figure

    medians = wide(
        table, index="response", columns=["workers", "non_blocking", "pin"], how="median"
    )
    figure = Figure()
    axes = figure.subplots()
    groups = [(workers, n) for workers in WORKERS.levels for n in NON_BLOCKING.levels]
    for place, group in enumerate(groups):
        for aside, pin in ((-0.2, OFF), (0.2, ON)):
            _stack(axes, place + aside, medians[*group, pin], pin)
    for name, colour in COLOURS.items():
        axes.bar(0, 0, color=colour, label=name)
    names = [f"{WORKERS.say(w)},\n{NON_BLOCKING.say(n)}" for w, n in groups]
    axes.set_xticks(range(len(groups)), names)
    axes.set_ylabel("milliseconds a batch")
    axes.margins(y=0.15)
    figure.legend(loc="outside lower center", ncols=3)
    at = (table["workers"] == 2) & table["non_blocking"] & (table["response"] == "total")
    totals = wide(table[at], index=["block", "round"], columns="pin").reindex(columns=[OFF, ON])
    saved = (100 - 100 * totals[ON] / totals[OFF]).groupby("block").median()
    axes.set_title(
        f"With 2 workers and copies that do not block, pinning takes {told(saved, '.1f', '%')}\n"
        f"off an epoch (left bars: pinning off, right: on; medians of {table['block'].nunique()} "
        "processes, CUDA)",
        fontsize=18,
    )
    return figure


COLOURS = {"waiting for the loader": ORANGE, "asking for the copy": BLUE, "all else": GREEN}


def _stack(axes: Any, place: float, times: pd.Series[float], pin: str) -> None:  # noqa: ANN401 - matplotlib's axes
    """One bar of three parts; where the cell failed, the word."""
    if not np.isfinite(times).all():
        axes.text(place, 0, "failed", rotation=90, ha="center", va="bottom")
        return
    parts = (
        times["waiting"],
        times["copying"],
        times["total"] - times["waiting"] - times["copying"],
    )
    bottom = 0.0
    for height, colour in zip(parts, COLOURS.values(), strict=True):
        axes.bar(place, height, 0.36, bottom=bottom, color=colour)
        bottom += height
    axes.text(place, bottom, pin, ha="center", va="bottom", size=14)


EXPERIMENT = Experiment(
    question="What does pinned memory save over a whole epoch, the pinning itself included?",
    factors=(WORKERS, PIN, NON_BLOCKING),
    blocks=PerProfile(1, 8, 12),
    effort=PerProfile(2, 8, 16),  # rounds
    prepare=prepare,
    measure=measure,
    responses=(
        Response("waiting", "ms", "the time of a batch that the loop waits for the loader"),
        Response("copying", "ms", "the time of a batch that asking for its copy takes"),
        Response("total", "ms", "the time of a batch, all of its epoch's time included"),
    ),
    claims=CLAIMS,
    figures=(where_the_time_goes,),
    fresh_process=True,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    needs="cuda",
)
