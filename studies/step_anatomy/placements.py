"""Which rates come of the two places at which the listings step a scheduler?

Chapters 3 and 9 step it after every batch, the production script of chapter 7 after every epoch,
each with a scheduler set in its own unit: StepLR(100) in batches, a cosine in epochs. Traced is the
rate of every update, read inside ``optimizer.step()``, and compared with the formula in the unit of
the listing. The script also logs ``get_last_lr()`` beside the losses of the epoch, after it has
stepped the scheduler. The counterexamples put each scheduler in the other's place.
"""

from __future__ import annotations

from harness import Fact, facts
from harness.libraries import nn, torch
from studies.step_anatomy.listing import STEP_SIZE, STEPS
from studies.step_anatomy.rates import (
    MakeScheduler,
    cosine,
    cosine_by_hand,
    step_lr,
    step_lr_by_hand,
    trace,
)

#: The production script leaves its settings open; five epochs of 20 batches will do.
EPOCHS, BATCHES, RATE = 5, 20, 0.001
CLOSE = 1e-12


def runs(rates: list[float]) -> list[list[float]]:
    """Rates as [rate, how many updates in a row use it]."""
    found: list[list[float]] = []
    for rate in rates:
        if found and found[-1][0] == rate:
            found[-1][1] += 1
        else:
            found.append([rate, 1])
    return found


def of_the_listing(every: int = 1) -> list[list[float]]:
    """The rates of chapter 3's epoch, its scheduler stepped after so many batches."""
    return runs(trace(step_lr, STEPS, every=every).used)


def of_the_script(make: MakeScheduler, every: int = BATCHES) -> list[list[float]]:
    """The rates of the production script, its scheduler stepped after so many batches."""
    return runs(trace(make, EPOCHS * BATCHES, rate=RATE, every=every, optimiser="Adam").used)


def logged() -> tuple[list[float], list[float]]:
    """What the production script's epochs train with, and what they log as their rate."""
    weight = nn.Parameter(torch.ones(1))
    optimiser = torch.optim.Adam([weight], lr=RATE)
    scheduler = cosine(EPOCHS)(optimiser)
    used: list[float] = []
    records: list[float] = []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            weight.square().sum().backward()
            optimiser.step()
            optimiser.zero_grad()
        used.append(float(optimiser.param_groups[0]["lr"]))
        scheduler.step()
        records.append(float(scheduler.get_last_lr()[0]))
    return used, records


EXPERIMENT = facts(
    "Which rates come of the two places at which the listings step a scheduler?",
    Fact(
        "C7.48",
        "stepped after every batch, StepLR(100) divides the rate after every 100 batches",
        of_the_listing,
        [
            [step_lr_by_hand(start), min(STEP_SIZE, STEPS - start)]
            for start in range(0, STEPS, STEP_SIZE)
        ],
        lambda: of_the_listing(every=STEPS),
        within=CLOSE,
        reading="Chapters 3 and 9: a schedule set in batches, stepped after every batch, gives "
        "the rates of its formula in batches, as [rate, updates in a row].",
        headline=True,
    ),
    Fact(
        "C7.48",
        "stepped after every epoch, a cosine of as many steps as epochs holds one rate an epoch",
        lambda: of_the_script(cosine(EPOCHS)),
        [[cosine_by_hand(epoch, EPOCHS, RATE), BATCHES] for epoch in range(EPOCHS)],
        lambda: of_the_script(cosine(EPOCHS), every=1),
        within=CLOSE,
        reading="The production script: a schedule set in epochs, stepped after every epoch, gives "
        "the rates of its formula in epochs, as [rate, updates in a row].",
    ),
    Fact(
        "C7.48",
        "StepLR(100) gives the same rates in either place",
        of_the_listing,
        lambda: of_the_listing(every=STEPS),
        lambda: of_the_listing(every=2),
        within=CLOSE,
        beyond="one scheduler in both places, which no listing has",
    ),
    Fact(
        "C7.47",
        "beside each epoch the script logs the rate that its scheduler has just set",
        lambda: logged()[1],
        [cosine_by_hand(epoch + 1, EPOCHS, RATE) for epoch in range(EPOCHS)],
        lambda: logged()[0],
        within=CLOSE,
        reading="get_last_lr() after the scheduler's step: what is logged beside epoch e is the "
        "formula's rate for epoch e + 1, and after the last epoch 0.",
        headline=True,
    ),
    Fact(
        "C7.47",
        "what the script logs beside an epoch is the rate that the epoch has trained with",
        lambda: logged()[1],
        lambda: logged()[0],
        lambda: [2 * rate for rate in logged()[0]],
        within=CLOSE,
        beyond="what the label suggests: the text does not say it",
    ),
)
