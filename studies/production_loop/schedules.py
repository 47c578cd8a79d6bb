"""Where is the schedule after a resume from the weights alone?

A run of 30 epochs is stopped after 10, 15 or 29 of them. To resume from the weights alone is to
make a new optimiser and a new scheduler: what rates do they set in the epochs that are left, and
what position does the scheduler count from? Seven schedules change over time, and are judged; the
rates of the run that went through stand against the rates of the resumed one, epoch by epoch.
Beyond the passage are a constant rate, and a resume that puts the optimiser back and the scheduler
not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

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
from harness.figures import BLACK, BLUE, ORANGE, SKY
from harness.libraries import nn, torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EPOCHS, RATE = 30, 1e-3
STOPS = (10, 15, 29)
Scheduler: TypeAlias = "torch.optim.lr_scheduler.LRScheduler"
COSINE, CONSTANT = "cosine", "constant rate"


def _schedules() -> dict[str, Callable[[torch.optim.Optimizer], Scheduler]]:
    """Each as it would be set for the run; read when needed, for torch is imported then."""
    made = torch.optim.lr_scheduler
    return {
        COSINE: lambda optimiser: made.CosineAnnealingLR(optimiser, T_max=EPOCHS),
        "steps of ten epochs": lambda optimiser: made.StepLR(optimiser, step_size=10),
        "one drop after 20 epochs": lambda optimiser: made.MultiStepLR(optimiser, [20]),
        "exponential": lambda optimiser: made.ExponentialLR(optimiser, 0.9),
        "linear to zero": lambda optimiser: made.LinearLR(optimiser, 1.0, 0.0, EPOCHS),
        "polynomial": lambda optimiser: made.PolynomialLR(optimiser, EPOCHS, power=2.0),
        "one cycle": lambda optimiser: made.OneCycleLR(optimiser, RATE, total_steps=EPOCHS + 1),
        CONSTANT: lambda optimiser: made.ConstantLR(optimiser, 1.0),
    }


CHANGING = (
    COSINE,
    "steps of ten epochs",
    "one drop after 20 epochs",
    "exponential",
    "linear to zero",
    "polynomial",
    "one cycle",
)
SCHEDULE = Factor("schedule", (*CHANGING, CONSTANT))
STOP = Factor(
    "stop", STOPS, words={stop: f"stopped after {stop} of {EPOCHS} epochs" for stop in STOPS}
)
THROUGH, ALONE, OPTIMISER = "never stopped", "weights alone", "weights and optimiser"
RESTORED = Factor(
    "restored",
    (THROUGH, ALONE, OPTIMISER),
    words={
        ALONE: "resumed from the weights alone",
        OPTIMISER: "resumed from weights and optimiser",
    },
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.03",
        Value("position").always().at(restored=ALONE, schedule=CHANGING),
        at_least(1),
        reading="The wrong position: after a resume from the weights alone the scheduler counts "
        "from another epoch than the run that was never stopped.",
        headline={"schedule": COSINE, "stop": 15},
    ),
    Claim(
        "C7.03",
        Value("rate_off").always().at(restored=ALONE, schedule=CHANGING),
        at_least(1.0),
        reading="And it matters: in some epoch that is left the rate is off by 1 % or more of the "
        "largest rate.",
    ),
    Beyond(
        "C7.03",
        Value("rate_off").always().at(restored=ALONE, schedule=CONSTANT),
        at_least(1.0),
        why="a rate that does not change, which has no wrong position",
    ),
    Beyond(
        "C7.03",
        Value("rate_off").always().at(restored=OPTIMISER, schedule=CHANGING),
        at_least(1.0),
        why="the optimiser is put back, and its rate with it",
    ),
    Control(
        "a run that was never stopped has its own rates",
        Value("rate_off").always().at(restored=THROUGH),
        equals(0.0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """The rates of the epochs that are left, in a run that went through and in a resumed one."""
    make, stop = _schedules()[arm[SCHEDULE]], arm[STOP]
    optimiser, scheduler = begun(make)
    rates(optimiser, scheduler, stop)
    held = optimiser.state_dict()
    position, optimiser_now, scheduler_now = scheduler.last_epoch, optimiser, scheduler
    if arm[RESTORED] != THROUGH:
        optimiser_now, scheduler_now = begun(make)
        if arm[RESTORED] == OPTIMISER:
            optimiser_now.load_state_dict(held)
    off = position - scheduler_now.last_epoch
    found = rates(optimiser_now, scheduler_now, EPOCHS - stop)
    whole = rates(*begun(make), EPOCHS)
    gaps = [abs(a - b) for a, b in zip(found, whole[stop:], strict=True)]
    padding = [float("nan")] * stop
    return {
        "position": float(off),
        "rate_off": 100 * max(gaps) / max(whole),
        "rate": [*padding, *found],
    }


def begun(
    make: Callable[[torch.optim.Optimizer], Scheduler],
) -> tuple[torch.optim.Optimizer, Scheduler]:
    """A new optimiser and its scheduler."""
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=RATE)
    return optimiser, make(optimiser)


def rates(optimiser: torch.optim.Optimizer, scheduler: Scheduler, epochs: int) -> list[float]:
    """The rate that each of some epochs trains with."""
    found = []
    for _ in range(epochs):
        found.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        scheduler.step()
    return found


def rates_after_a_resume(table: pd.DataFrame) -> Figure:
    """The rate by epoch, of four schedules, stopped half-way."""
    from matplotlib.figure import Figure

    shown = (COSINE, "steps of ten epochs", "exponential", "one cycle")
    rate = table[(table["response"] == "rate") & (table["stop"] == 15)]
    figure = Figure()
    panels = figure.subplots(1, len(shown), sharey=True)
    for axes, schedule in zip(panels, shown, strict=True):
        _draw(axes, rate[rate["schedule"] == schedule])
        axes.set_title(schedule, fontsize=18)
        axes.set_xlabel("epoch")
    panels[0].set_ylabel("learning rate (thousandths)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    off = table[(table["response"] == "rate_off") & (table["schedule"] == COSINE)]
    half = off[(off["stop"] == 15) & (off["restored"] == ALONE)]["value"].mean()
    figure.suptitle(
        f"Resumed half-way from the weights alone, a cosine's rate is off by up to {half:.0f} %\n"
        "of the largest rate (exact, no noise: schedules are formulas)"
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    colours = {THROUGH: BLACK, OPTIMISER: SKY, ALONE: ORANGE}
    whole = rows[rows["restored"] == THROUGH]
    for restored, colour in colours.items():
        of_one = rows[rows["restored"] == restored]
        style = "-" if restored == THROUGH else "--"
        axes.plot(
            of_one["round"],
            1e3 * of_one["value"],
            style,
            color=colour,
            label=RESTORED.say(restored),
        )
    if not whole["value"].dropna().empty:
        axes.axvline(15, color=BLUE, linewidth=1)


EXPERIMENT = Experiment(
    question="Where is the schedule after a resume from the weights alone?",
    factors=(SCHEDULE, STOP, RESTORED),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("position", "epochs", "epochs by which the scheduler's position is wrong"),
        Response(
            "rate_off", "%", "largest distance of a rate that is left, over the schedule's largest"
        ),
        Response("rate", "1", "learning rate of an epoch, after the resume"),
    ),
    claims=CLAIMS,
    figures=(rates_after_a_resume,),
)
