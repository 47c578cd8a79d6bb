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
from harness.figures import BLACK, BLUE, VERMILION
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
    shares = [rate / found.used[0] for rate in (*found.used, found.after)]
    return {"rate": shares, "end": shares[-1], "highest": max(shares)}


DECAYS, OTHERWISE, FAILED = "decays", "does something else", "failed"
COLOURS = {DECAYS: BLUE, OTHERWISE: VERMILION, FAILED: BLACK}


def shapes(table: pd.DataFrame) -> Figure:
    """The rates of each scheduler over a training, as shares of its first."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = list(figure.subplots(2, 5, sharex=True).flat)
    drawn = [name for name in MAKE if name != CONSTANT]
    decaying = {name: decays(table, name) for name in drawn}
    for axes, name in zip(panels, drawn, strict=True):
        mine = table[(table["scheduler"] == name) & (table["response"] == "rate")]
        rates = mine.sort_values("round")["value"].to_numpy(np.float64)
        done = 100 * np.arange(len(rates)) / max(len(rates) - 1, 1)
        axes.plot(done, rates, drawstyle="steps-post", color=COLOURS[decaying[name]])
        axes.axhline(1, color=BLACK, lw=1, ls="--")
        axes.set_ylim(bottom=0, top=1.1 * np.nanmax([1.0, *rates]))
        axes.set_title(name + (" *" if name in NAMED else ""), fontsize=15)
        axes.tick_params(labelsize=12)
        if not len(rates) or not np.isfinite(rates).all():
            axes.text(0.5, 0.5, "failed", ha="center", transform=axes.transAxes)
    figure.supxlabel("share of the training (%)", fontsize=17)
    figure.supylabel("rate over the first (dashed: 1)", fontsize=17)
    named = sum(decaying[name] == DECAYS for name in NAMED)
    others = [decaying[name] == DECAYS for name in drawn if name not in NAMED]
    figure.suptitle(
        f"{named} of the {len(NAMED)} schedulers that the document names (*) start high and decay "
        f"(blue),\nand {sum(others)} of {len(others)} others in torch do (red: not; one trace "
        "each, CPU, no chance involved)",
        fontsize=18,
    )
    return figure


def decays(table: pd.DataFrame, name: str) -> str:
    """Whether a scheduler starts high and decays, by the rules of the claim."""
    mine = table[table["scheduler"] == name]
    end, highest = (
        float(mine.loc[mine["response"] == response, "value"].median())
        for response in ("end", "highest")
    )
    if not np.isfinite([end, highest]).all():
        return FAILED
    return DECAYS if end <= LOWER and highest <= 1 else OTHERWISE


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do learning-rate schedulers start high and decay?",
    factors=(SCHEDULER,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("rate", "1", "the rate of an update, and after the last step, over the first"),
        Response("end", "1", "the rate after the last step over the first"),
        Response("highest", "1", "the highest rate over the first"),
    ),
    claims=CLAIMS,
    figures=(shapes,),
)
