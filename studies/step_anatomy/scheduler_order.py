"""Which learning rates does an optimiser use when the scheduler is stepped before it?

Chapter 3 says that the rate then changes before the update that it was meant for, above all during
warm-up. The rate of every update is read inside ``optimizer.step()``, with the scheduler's step
after it, as it should be, and before it: for the listing's StepLR, a cosine, and two warm-ups, one
linear with torch's defaults and one that starts at zero. The right order is checked against the
schedules' formulas, worked out by hand. What the early rates do to a network at the end is measured
in ``order_grid``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLUE, VERMILION
from harness.libraries import torch
from studies.step_anatomy.listing import RATE, STEPS
from studies.step_anatomy.rates import (
    MakeScheduler,
    cosine,
    cosine_by_hand,
    of_defaults,
    step_lr,
    step_lr_by_hand,
    trace,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPWISE, COSINE = "StepLR(100)", "cosine"
LINEAR, FROM_ZERO = "linear warm-up", "warm-up from 0"
WARM_UP = 10  # updates
MAKE: dict[str, MakeScheduler] = {
    STEPWISE: step_lr,
    COSINE: cosine(STEPS),
    LINEAR: of_defaults("LinearLR"),
    FROM_ZERO: lambda optimiser: torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, step / WARM_UP)
    ),
}
#: The rate after so many of the scheduler's steps, worked out by hand. LinearLR goes from a third
#: of the rate to the whole of it in five steps.
BY_HAND: dict[str, Callable[[int], float]] = {
    STEPWISE: step_lr_by_hand,
    COSINE: lambda step: cosine_by_hand(step, STEPS),
    LINEAR: lambda step: RATE * (1 / 3 + 2 / 3 * min(step, 5) / 5),
    FROM_ZERO: lambda step: RATE * min(1.0, step / WARM_UP),
}
WARM_UPS, OTHERS = (LINEAR, FROM_ZERO), (STEPWISE, COSINE)

SCHEDULER = Factor("scheduler", tuple(MAKE))
RIGHT, BEFORE = "after the optimiser", "before the optimiser"
PLACE = Factor("place", (RIGHT, BEFORE), label="scheduler's step")
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.21",
        Value("one_early").at(place=BEFORE).always(),
        equals(1),
        reading="Too early: every update uses the rate that was meant for the next one, and the "
        "first configured rate is never used.",
        headline={"scheduler": FROM_ZERO, "optimiser": "SGD"},
    ),
    *(
        Claim(
            "C3.21",
            Difference("first_change", SCHEDULER)
            .at(place=BEFORE, scheduler=WARM_UPS)
            .against(other)
            .always(),
            more_than(0),
            reading="Above all in warm-up: the first update's rate is further from the configured "
            "one, as a share of the larger of the two, than with StepLR or a cosine.",
        )
        for other in OTHERS
    ),
    Beyond(
        "C3.21",
        Value("warned").at(place=BEFORE).always(),
        equals(0),
        why="a warning of PyTorch, of which the passage does not speak",
        reading="Subtly, taken to mean that PyTorch does not warn.",
    ),
    Control(
        "in the right order every update uses the rate that the schedule's formula gives",
        Value("off_formula").at(place=RIGHT).always(),
        at_most(1e-12),
    ),
    Control(
        "in the right order the rates are not one early",
        Value("one_early").at(place=RIGHT).always(),
        equals(0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """The rates of one epoch."""
    make, by_hand = MAKE[arm[SCHEDULER]], BY_HAND[arm[SCHEDULER]]
    found = trace(make, STEPS, optimiser=arm[OPTIMISER], scheduler_first=arm[PLACE] == BEFORE)
    meant = [by_hand(step) for step in range(STEPS + 1)]
    return {
        "rate": found.used,
        "one_early": close(found.used, meant[1:]),
        "off_formula": max(abs(a - b) / RATE for a, b in zip(found.used, meant, strict=False)),
        "first_change": change(meant[0], found.used[0]),
        "warned": found.warned,
    }


def close(rates: list[float], others: list[float]) -> bool:
    """Whether two lists of rates agree, to 1e-12 of the configured rate."""
    off = (abs(one - other) for one, other in zip(rates, others, strict=True))
    return max(off) <= 1e-12 * RATE


def change(meant: float, used: float) -> float:
    """The distance of two rates, over the larger of them."""
    larger = max(meant, used)
    return abs(used - meant) / larger if larger else 0.0


#: What a panel shows of an epoch: the updates where the two orders can be told apart.
WINDOWS = {STEPWISE: (95, 105), COSINE: (303, 313), LINEAR: (1, 11), FROM_ZERO: (1, 13)}


def rates_used(table: pd.DataFrame) -> Figure:
    """The rates of the updates, with the scheduler's step after the optimiser's and before it."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 2).flat
    for axes, scheduler in zip(panels, MAKE, strict=True):
        _draw_rates(axes, table, scheduler)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    early = table[(table["response"] == "one_early") & (table["place"] == BEFORE)]
    kinds = early.groupby("scheduler")["value"].min()
    figure.suptitle(
        f"Stepped before the optimiser, {int((kinds == 1).sum())} of {len(MAKE)} schedulers give "
        "every update the rate meant for the next;\nthe first rate is off by "
        f"{_first(table, FROM_ZERO)} in a warm-up from 0, by {_first(table, STEPWISE)} with StepLR "
        "(CPU, no chance involved)",
        fontsize=17,
    )
    return figure


def _draw_rates(axes: Axes, table: pd.DataFrame, scheduler: str) -> None:
    mine = table[(table["scheduler"] == scheduler) & (table["optimiser"] == "SGD")]
    mine = mine[mine["response"] == "rate"]
    first, last = WINDOWS[scheduler]
    for place, colour, mark in ((RIGHT, BLUE, "o"), (BEFORE, VERMILION, "x")):
        rates = mine[mine["place"] == place].sort_values("round")["value"].to_numpy(np.float64)
        shown = 1000 * rates[first - 1 : last]
        updates = np.arange(first, first + len(shown))
        axes.plot(updates, shown, mark, color=colour, label=f"scheduler {place}", mew=2.5)
    axes.set_title(scheduler, loc="left", fontsize=17)
    axes.set_xlabel("update", fontsize=15)
    axes.set_ylabel("rate used (1/1000)", fontsize=15)
    axes.set_xlim(first - 0.7, last + 0.7)
    axes.tick_params(labelsize=13)


def _first(table: pd.DataFrame, scheduler: str) -> str:
    mine = table[(table["response"] == "first_change") & (table["place"] == BEFORE)]
    values = mine.loc[mine["scheduler"] == scheduler, "value"].dropna()
    return f"{100 * values.median():.3g} %" if len(values) else "an unknown share"


EXPERIMENT: Experiment[Block] = Experiment(
    question="Which learning rates does an optimiser use when the scheduler is stepped before it?",
    factors=(SCHEDULER, PLACE, OPTIMISER),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("rate", "1", "the rate that an update uses"),
        Response("one_early", "yes/no", "every update uses the rate meant for the next one"),
        Response(
            "off_formula", "1", "the furthest that a used rate is from the formula's, over the rate"
        ),
        Response(
            "first_change",
            "1",
            "how far the first update's rate is from the one configured for it, over the larger",
        ),
        Response("warned", "warnings", "number of warnings"),
    ),
    claims=CLAIMS,
    figures=(rates_used,),
)
