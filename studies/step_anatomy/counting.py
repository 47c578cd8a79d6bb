"""What does scheduler.step() count: weight updates, or its own calls?

A loop accumulates gradients over four micro-batches, and the scheduler is stepped after every
micro-batch, after every update, after every epoch, or with no update at all. The scheduler's own
count (``last_epoch``) is compared with the number of updates. Where it is stepped once after each
update the two agree whatever it counts, as far as it counts one of them: that is the control, and
the micro-batches tell.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

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
    equals,
)
from harness.figures import BLACK, PALETTE
from harness.libraries import nn, torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EPOCHS, BATCHES, ACCUMULATED = 2, 16, 4
UPDATES = EPOCHS * BATCHES // ACCUMULATED

MICRO, UPDATE = "after every micro-batch", "after every update"
EPOCH, NOTHING = "after every epoch", "without any update"
PLACE = Factor("place", (MICRO, UPDATE, EPOCH, NOTHING), label="where it is called")

Make = Callable[["torch.optim.Optimizer"], "torch.optim.lr_scheduler.LRScheduler"]
SCHEDULERS: dict[str, Make] = {
    "StepLR": lambda optimiser: torch.optim.lr_scheduler.StepLR(optimiser, step_size=2),
    "CosineAnnealingLR": lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, T_max=UPDATES
    ),
    "ExponentialLR": lambda optimiser: torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.9),
    "LinearLR": lambda optimiser: torch.optim.lr_scheduler.LinearLR(optimiser, 0.1),
    "LambdaLR": lambda optimiser: torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda count: 1 / (1 + count)
    ),
}
SCHEDULER = Factor("scheduler", tuple(SCHEDULERS))

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C0.19",
        Value("over_updates").at(place=MICRO).always(),
        equals(0),
        reading="It counts weight updates: stepped after every one of four accumulated "
        "micro-batches, its count is still the number of updates.",
        headline={"scheduler": "StepLR"},
    ),
    *(
        Beyond("C0.19", Value("over_updates").at(place=place).always(), equals(0), why=why)
        for place, why in (
            (EPOCH, "a scheduler that is stepped once an epoch"),
            (NOTHING, "a scheduler that is stepped with no update at all"),
        )
    ),
    Beyond(
        "C0.19",
        Value("over_calls").always(),
        equals(0),
        why="its own calls, which the passage does not name",
        reading="What it counts in the place of updates: its count is the number of its calls.",
    ),
    Control(
        "stepped once after each update, the count is that of the updates",
        Value("over_updates").at(place=UPDATE).always(),
        equals(0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Two epochs of a loop with accumulation, or of its scheduler alone."""
    weight = nn.Parameter(torch.ones(1))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    updates: list[None] = []
    optimiser.register_step_post_hook(lambda *_: updates.append(None))
    scheduler, calls = SCHEDULERS[arm[SCHEDULER]](optimiser), 0
    with warnings.catch_warnings():
        # To step a scheduler before, or without, the optimiser gives a warning.
        warnings.simplefilter("ignore")
        for batch in range(1, EPOCHS * BATCHES + 1):
            whole = batch % ACCUMULATED == 0
            if arm[PLACE] != NOTHING:
                (weight.square().sum() / ACCUMULATED).backward()
                if whole:
                    optimiser.step()
                    optimiser.zero_grad()
            due = {MICRO: True, UPDATE: whole, EPOCH: batch % BATCHES == 0, NOTHING: whole}
            if due[arm[PLACE]]:
                scheduler.step()
                calls += 1
    counted = scheduler.last_epoch
    return {
        "counted": counted,
        "over_updates": counted - len(updates),
        "over_calls": counted - calls,
    }


def counts(table: pd.DataFrame) -> Figure:
    """The scheduler's count beside the number of updates, by where it is called."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    names, places = SCHEDULER.levels, PLACE.levels
    for line, (name, colour) in enumerate(zip(names, PALETTE, strict=False)):
        at = np.arange(len(places)) + (line - (len(names) - 1) / 2) / 7
        counted = [_median(table, "counted", name, place) for place in places]
        axes.plot(at, counted, "o", color=colour, label=name)
    for column, place in enumerate(places):
        updates = _median(table, "counted", None, place) - _median(
            table, "over_updates", None, place
        )
        label = None if column else "weight updates"
        ends = [column - 0.42, column + 0.42]
        axes.plot(ends, [updates, updates], color=BLACK, lw=2, ls="--", label=label, zorder=1)
    axes.set_xticks(range(len(places)), [place.replace(" ", "\n", 1) for place in places])
    axes.set_ylim(bottom=-1)
    axes.set_ylabel("the scheduler's count (last_epoch)")
    axes.legend(loc="upper right")
    micro = _median(table, "counted", None, MICRO)
    updates = micro - _median(table, "over_updates", None, MICRO)
    figure.suptitle(
        f"Stepped after every micro-batch, a scheduler has counted {micro:.0f} after "
        f"{updates:.0f} weight updates\n({ACCUMULATED} micro-batches an update; dots: "
        f"{len(names)} schedulers, CPU, no chance involved)",
        fontsize=19,
    )
    return figure


def _median(table: pd.DataFrame, response: str, name: str | None, place: str) -> float:
    chosen = table[(table["response"] == response) & (table["place"] == place)]
    if name is not None:
        chosen = chosen[chosen["scheduler"] == name]
    return float(np.median(chosen["value"].to_numpy(np.float64)))


EXPERIMENT: Experiment[Block] = Experiment(
    question="What does scheduler.step() count: weight updates, or its own calls?",
    factors=(SCHEDULER, PLACE),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("counted", "steps", "the scheduler's own count"),
        Response("over_updates", "steps", "the scheduler's count less the weight updates"),
        Response("over_calls", "steps", "the scheduler's count less its calls"),
    ),
    claims=CLAIMS,
    figures=(counts,),
)
