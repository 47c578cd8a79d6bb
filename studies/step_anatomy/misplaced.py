"""Where do the schedule, the log and the checkpoint end up when two kinds of step are confused?

A loop makes 64 updates an epoch, of four micro-batches each. Its schedule, its log and its
checkpoints are set for every 8 units: 8 updates, or 8 epochs. Then the loop counts something else:
micro-batches in place of updates, iterations in place of epochs. Where the first drop of the rate,
the first line of the log and the first checkpoint come, is compared with where they were meant, in
updates. The schedule is torch's; log and checkpoint are the loop's own counter, as in any script.
"""

from __future__ import annotations

import warnings

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
from harness.libraries import nn, torch

ACCUMULATED, UPDATES = 4, 64
INTERVAL = 8

SCHEDULE, LOG, CHECKPOINT = "schedule", "log", "checkpoint"
WHAT = Factor(
    "what",
    (SCHEDULE, LOG, CHECKPOINT),
    words={
        SCHEDULE: "the first drop of the rate",
        LOG: "the first line of the log",
        CHECKPOINT: "the first checkpoint",
    },
)
RIGHT, MICRO = "none", "micro-batches counted for updates"
ITERATIONS, LATE = "iterations counted for epochs", "updates counted for micro-batches"
CONFUSION = Factor(
    "confusion", (RIGHT, MICRO, ITERATIONS, LATE), words={RIGHT: "updates counted for updates"}
)
#: What a unit of the interval was meant to be, in updates.
MEANT = {RIGHT: 1.0, MICRO: 1.0, ITERATIONS: float(UPDATES), LATE: 1 / ACCUMULATED}

WRONG = "Wrong: it comes {times} times too early, at 1/{times} of the updates that it was set for."
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C0.20",
        Value("share").at(confusion=MICRO).always(),
        equals(1 / ACCUMULATED),
        reading=WRONG.format(times=ACCUMULATED),
        headline={"what": SCHEDULE},
    ),
    Claim(
        "C0.20",
        Value("share").at(confusion=ITERATIONS).always(),
        equals(1 / UPDATES),
        reading=WRONG.format(times=UPDATES),
    ),
    Beyond(
        "C0.20",
        Value("share").at(confusion=LATE).always(),
        equals(ACCUMULATED),
        why="the other way round: set in micro-batches, counted in updates",
        reading=f"Wrong: it comes {ACCUMULATED} times too late.",
    ),
    Control(
        "without a confusion it comes where it was meant",
        Value("share").at(confusion=RIGHT).always(),
        equals(1),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Train until the first event comes; the updates done by then, over those intended."""
    weight = nn.Parameter(torch.ones(1))
    optimiser = torch.optim.SGD([weight], lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=INTERVAL)
    counter = micro_batches = 0
    while not happened(arm[WHAT], counter, scheduler):
        micro_batches += 1
        (weight.square().sum() / ACCUMULATED).backward()
        updated = micro_batches % ACCUMULATED == 0
        if updated:
            optimiser.step()
            optimiser.zero_grad()
        if updated or arm[CONFUSION] == MICRO:
            counter += 1
            with warnings.catch_warnings():
                # To step a scheduler before the first update gives a warning.
                warnings.simplefilter("ignore")
                scheduler.step()
    updates = micro_batches / ACCUMULATED
    return {"share": updates / (INTERVAL * MEANT[arm[CONFUSION]])}


def happened(what: str, counter: int, scheduler: torch.optim.lr_scheduler.LRScheduler) -> bool:
    """Whether the event has come: a lower rate, or a counter at the interval."""
    if what == SCHEDULE:
        (rate,), (start,) = scheduler.get_last_lr(), scheduler.base_lrs
        return bool(rate < start)
    return counter > 0 and counter % INTERVAL == 0


EXPERIMENT: Experiment[Block] = Experiment(
    question="Where do schedule, log and checkpoint end up when two kinds of step are confused?",
    factors=(WHAT, CONFUSION),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response(
            "share", "1", "updates done when {what} comes, over those after which it was meant to"
        ),
    ),
    claims=CLAIMS,
)
