"""Is the listed loop, with StepLR(100) after every batch, a complete training loop?

Chapter 3 ends in a listing that it calls complete: a linear classifier of 784 pixels, SGD at 0.01,
one epoch, and a scheduler that divides the rate by ten after every 100 batches. It is run as listed
on 10,000 images, chapter 0's 313 batches of 32, beside the same loop without a scheduler, from the
same weights and on the same batches. To be complete it has to run, to learn, and to end no worse
than without the scheduler that it adds. How pixels are scaled the listing does not say: both usual
ways are judged. Three epochs, of which the listing speaks no word, are shown beside it. (Stepped
once an epoch, StepLR(100) would change nothing before the hundredth.)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.figures import BLUE, VERMILION, draw_blocks, told
from harness.libraries import functional, torch
from harness.workloads import Replicas
from studies.step_anatomy.listing import (
    BATCH,
    PLAIN,
    RATE,
    STANDARDISED,
    Images,
    prepare_images,
)
from studies.step_anatomy.orders import BACKWARD, FORWARD, LOSS, SCHEDULE, STEP, ZERO, Loop
from studies.step_anatomy.rates import step_lr, step_lr_by_hand

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

#: The listing's order, and the same without its last line.
LINES = (ZERO, FORWARD, LOSS, BACKWARD, STEP, SCHEDULE)
PER_BATCH, NONE = "after every batch", "no scheduler"
PLACE = Factor(
    "place",
    (PER_BATCH, NONE),
    control=NONE,
    label="scheduler's step",
    words={PER_BATCH: "StepLR stepped after every batch"},
)
PIXELS = Factor("pixels", (PLAIN, STANDARDISED))
EPOCHS = Factor("epochs", (1, 3), words={1: "one epoch", 3: "three epochs"})
ABOVE_CHANCE, MARGIN = 0.2, 0.01

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.26",
        Difference("accuracy", PLACE).at(place=PER_BATCH, epochs=1),
        at_least(-MARGIN),
        reading="Complete: after its one epoch it is no more than a point of validation accuracy "
        "behind the same loop without a scheduler.",
        headline={"pixels": PLAIN},
    ),
    Claim(
        "C3.26",
        Value("accuracy").at(place=PER_BATCH, epochs=1),
        at_least(ABOVE_CHANCE),
        reading="It learns: twice the accuracy of a guess among ten classes, or more.",
    ),
    Claim(
        "C3.26",
        Value("unfinished").at(place=PER_BATCH, epochs=1).always(),
        equals(0),
        reading="It runs: an update follows every batch of the epoch.",
    ),
    Beyond(
        "C3.26",
        Difference("accuracy", PLACE).at(place=PER_BATCH, epochs=3),
        at_least(-MARGIN),
        why="three epochs, where the listing shows one",
    ),
    Control(
        "the last rate is the listed one, divided by ten at every hundredth step of the scheduler",
        Value("rate_off").always(),
        at_most(1e-12),
    ),
    Control(
        "networks that were not trained guess",
        Value("accuracy_before").always(),
        at_most(0.35),
    ),
)


def measure(images: Images, arm: Arm) -> Sequence[Responses]:
    """Run the loop, and validate."""
    nets = Replicas(copy.deepcopy(images.networks))
    x, y = images.validation(arm[PIXELS])
    guessed = accuracy(nets, x, y)
    optimiser = torch.optim.SGD(nets.parameters(), lr=RATE)
    scheduler = step_lr(optimiser)
    updates: list[None] = []
    optimiser.register_step_post_hook(lambda *_: updates.append(None))
    loop = Loop(nets, functional.cross_entropy, optimiser, scheduler)
    order = LINES if arm[PLACE] == PER_BATCH else LINES[:-1]
    for x_batch, y_batch in images.batches(arm[PIXELS], arm[EPOCHS]):
        loop.iterate(order, x_batch, y_batch)
    batches = arm[EPOCHS] * math.ceil(images.train.shape[1] / BATCH)
    stepped = batches if arm[PLACE] == PER_BATCH else 0
    rate = float(optimiser.param_groups[0]["lr"])
    common = {
        "unfinished": batches - len(updates),
        "rate_off": abs(rate / step_lr_by_hand(stepped) - 1),
    }
    return [
        {"accuracy": after, "accuracy_before": before, **common}
        for after, before in zip(accuracy(nets, x, y), guessed, strict=True)
    ]


def accuracy(nets: Replicas, x: Tensor, y: Tensor) -> list[float]:
    """Each network's accuracy."""
    with torch.no_grad():
        right: list[float] = (nets(x).argmax(-1) == y).float().mean(-1).tolist()
    return right


PLACES = {NONE: BLUE, PER_BATCH: VERMILION}


def accuracies(table: pd.DataFrame) -> Figure:
    """Validation accuracy with and without the scheduler."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    groups = ((PLAIN, 1), (STANDARDISED, 1), (PLAIN, 3))
    for column, (pixels, epochs) in enumerate(groups):
        for line, (place, colour) in enumerate(PLACES.items()):
            values = 100 * by_block(table, place, pixels, epochs)
            x = column + 0.3 * (line - 0.5)
            label = PLACE.say(place)
            legend = None if column else label
            draw_blocks(axes, x, values, colour=colour, width=0.09, label=legend)
    ticks = [f"{pixels}\n{EPOCHS.say(epochs)}" for pixels, epochs in groups]
    axes.set_xticks(range(len(groups)), ticks, fontsize=15)
    axes.set_ylabel("validation accuracy (%)")
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    lost = 100 * (by_block(table, PER_BATCH, PLAIN, 1) - by_block(table, NONE, PLAIN, 1))
    figure.suptitle(
        f"The listed loop's accuracy less that without its scheduler: {told(lost, '.1f', 'points')}"
        f"\n(one epoch of 313 batches of 32, {PLAIN}; dots: {table['block'].nunique()} seeds, "
        "diamonds: medians with 99 % intervals, CPU)",
        fontsize=18,
    )
    return figure


def by_block(table: pd.DataFrame, place: str, pixels: str, epochs: int) -> NDArray[np.float64]:
    """The accuracy of every block; NaN where there is none."""
    mine = table[(table["response"] == "accuracy") & (table["place"] == place)]
    mine = mine[(mine["pixels"] == pixels) & (mine["epochs"] == epochs)]
    return mine.sort_values("block")["value"].to_numpy(np.float64)


EXPERIMENT: Experiment[Images] = Experiment(
    question="Is the listed loop, with StepLR(100) after every batch, a complete training loop?",
    factors=(PLACE, PIXELS, EPOCHS),
    only=lambda arm: arm[EPOCHS] == 1 or arm[PIXELS] == PLAIN,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(640, 10_000, 10_000),  # images
    prepare_together=prepare_images,
    measure_together=measure,
    responses=(
        Response("accuracy", "1", "validation accuracy"),
        Response("accuracy_before", "1", "validation accuracy before training"),
        Response("unfinished", "batches", "batches that no update followed"),
        Response("rate_off", "1", "distance of the last rate from that by hand, over it"),
    ),
    claims=CLAIMS,
    figures=(accuracies,),
)
