"""Do learning-rate schedulers start high and decay?

Judged are the schedulers that the document names for decay, as it uses them: StepLR(100) over one
epoch of 313 batches, and a cosine over the length of the training. The same paragraph speaks of
warm-up too, so not every scheduler is meant: what others of torch do with their defaults is shown
beside them, and would be a strawman as a counterexample.
"""

from __future__ import annotations

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
    at_most,
    equals,
)
from harness.figures import BLUE, VERMILION
from harness.libraries import torch
from studies.step_anatomy.listing import STEPS
from studies.step_anatomy.rates import MakeScheduler, cosine, of_defaults, step_lr, trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EPOCHS, LENGTH = 10, 100
STEPWISE, COSINE, CONSTANT = "StepLR", "CosineAnnealingLR", "no schedule"

#: By name: how to make it, and after how many of its steps the training ends.
NAMED: dict[str, tuple[MakeScheduler, int]] = {
    STEPWISE: (step_lr, STEPS),
    COSINE: (cosine(EPOCHS), EPOCHS),
}
OTHERS: dict[str, tuple[MakeScheduler, int]] = {
    "MultiStepLR": (
        lambda optimiser: torch.optim.lr_scheduler.MultiStepLR(optimiser, [50, 75]),
        LENGTH,
    ),
    "ExponentialLR": (
        lambda optimiser: torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.95),
        LENGTH,
    ),
    "PolynomialLR": (
        lambda optimiser: torch.optim.lr_scheduler.PolynomialLR(optimiser, LENGTH),
        LENGTH,
    ),
    "LinearLR": (of_defaults("LinearLR"), LENGTH),
    "ConstantLR": (of_defaults("ConstantLR"), LENGTH),
    "OneCycleLR": (
        lambda optimiser: torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=LENGTH),
        LENGTH - 1,
    ),
    "CyclicLR": (
        lambda optimiser: torch.optim.lr_scheduler.CyclicLR(
            optimiser, 0.01, 0.1, step_size_up=20, cycle_momentum=False
        ),
        LENGTH,
    ),
    "warm restarts": (
        lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, 25),
        LENGTH,
    ),
    CONSTANT: (
        lambda optimiser: torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0),
        LENGTH,
    ),
}
MAKE = NAMED | OTHERS
SCHEDULER = Factor("scheduler", tuple(MAKE))
LOWER = 0.9  # at the end, 10 % below the first rate

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.20",
        Value("end").at(scheduler=tuple(NAMED)).always(),
        at_most(LOWER),
        reading="Decaying: after the last step the rate is at least 10 % below the first.",
        headline={"scheduler": COSINE},
    ),
    Claim(
        "C3.20",
        Value("highest").at(scheduler=tuple(NAMED)).always(),
        equals(1),
        reading="Starting high: no later rate is above the first.",
    ),
    *(
        Beyond(
            "C3.20",
            Value(name).at(scheduler=tuple(each for each in OTHERS if each != CONSTANT)).always(),
            region,
            why="a scheduler that the document does not name",
        )
        for name, region in (("end", at_most(LOWER)), ("highest", equals(1)))
    ),
    Control(
        "without a schedule the rate stays",
        Value("end").at(scheduler=CONSTANT).always(),
        equals(1),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """The rates from the first update to the one after the last step."""
    make, length = MAKE[arm[SCHEDULER]]
    found = trace(make, length)
    first = found.used[0]
    return {"end": found.after / first, "highest": max(*found.used, found.after) / first}


def first_and_last(table: pd.DataFrame) -> Figure:
    """The last and the highest rate of each scheduler, over its first."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    decaying: dict[str, bool] = {}
    for row, name in enumerate(MAKE):
        end, highest = (_value(table, name, response) for response in ("end", "highest"))
        if not np.isfinite([end, highest]).all():
            axes.text(1, row, "failed", va="center", ha="center")
            continue
        decaying[name] = end <= LOWER and highest <= 1
        axes.plot([min(end, 1), max(highest, 1)], [row, row], color="#BBBBBB", lw=4, zorder=1)
        axes.plot(highest, row, "^", color=VERMILION, label="" if row else "highest rate")
        axes.plot(end, row, "o", color=BLUE, label="" if row else "rate after the last step")
    axes.axvline(1, color="black", lw=1.5, ls="--")
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xticks([0, 0.01, 0.1, 1, 10], ["0", "0.01", "0.1", "1", "10"])
    labels = [f"{name} (named)" if name in NAMED else name for name in MAKE]
    axes.set_yticks(range(len(MAKE)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("rate over the first rate (dashed)")
    axes.legend(loc="lower right")
    named = sum(decaying.get(name, False) for name in NAMED)
    others = [decaying.get(name, False) for name in OTHERS if name != CONSTANT]
    figure.suptitle(
        f"{named} of the {len(NAMED)} schedulers that the document names start high and decay,\n"
        f"and so do {sum(others)} of {len(others)} others in torch "
        "(one trace each, CPU, no chance involved)",
        fontsize=19,
    )
    return figure


def _value(table: pd.DataFrame, name: str, response: str) -> float:
    mine = table[(table["scheduler"] == name) & (table["response"] == response)]
    return float(mine["value"].median())


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do learning-rate schedulers start high and decay?",
    factors=(SCHEDULER,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("end", "1", "the rate after the last step over the first"),
        Response("highest", "1", "the highest rate over the first"),
    ),
    claims=CLAIMS,
    figures=(first_and_last,),
)
