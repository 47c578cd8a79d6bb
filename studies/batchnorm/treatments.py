"""What is trained, with what: three tasks, and batch norm alone or with what may clash with it.

Tasks: listing 3's perceptron on its 1,400 rows, for its 60 epochs; the same perceptron, and a small
network of convolutions, on 300 digits. All are trained by AdamW at 0.001 in batches of 64, as the
listing is. A weight decay is the listing's, 5e-4, which over its training shrinks a weight by 0.07
% at most; 1e-2, the largest that the document names; or one so strong that by itself it would halve
every weight, fifty times that and more. An L1 penalty is the first listing's strength, 1e-4, or ten
times that. Arms of a seed share rows, first weights and batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from harness import Arm, Block, Factor
from harness.workloads.fitting import History, Recipe, fit
from harness.workloads.regularisers import l1
from harness.workloads.samples import Sample, SampleName, draw_sample
from studies.batchnorm.nets import Place, convolutions, perceptron

if TYPE_CHECKING:
    from torch import nn

LISTING, DIGITS, CNN = "listing 3", "digits, perceptron", "digits, convolutions"
RATE, BATCH, EPOCHS = 1e-3, 64, 60
LIGHT_DECAY, LARGEST_DECAY = 5e-4, 1e-2
LOW, LISTED, HALF = 0.1, 0.4, 0.5  # the rates of dropout: advised, listing 3's, the usual one
HEAVY = (LISTED, HALF)


@dataclass(frozen=True)
class Task:
    """Rows and a network.

    Attributes:
        source: of the rows.
        train: rows trained on.
        held_out: rows to validate with, and as many to test on.
        epochs: of listing 3's sixty, how many.
        perceptron: or convolutions.
    """

    source: SampleName
    train: int
    held_out: int
    epochs: int = EPOCHS
    perceptron: bool = True


TASKS = {
    LISTING: Task("listing 3", 1400, 600),
    DIGITS: Task("digits", 300, 600),
    CNN: Task("digits", 300, 300, epochs=40, perceptron=False),
}


@dataclass(frozen=True)
class Treatment:
    """What a network has, and what it is trained with.

    Attributes:
        batch_norm: whether it has one in each block.
        place: where dropout stands.
        drop: its rate.
        decay: AdamW's weight decay.
        halves: in place of that, a decay which alone would halve every weight.
        l1: strength of the L1 penalty on weights.
    """

    batch_norm: bool = True
    place: Place = "after"
    drop: float = 0.0
    decay: float = 0.0
    halves: bool = False
    l1: float = 0.0


ALONE = "batch norm alone"


def dropout_alone(rate: float) -> str:
    """The level of dropout without batch norm."""
    return f"dropout {rate} alone"


def before(rate: float) -> str:
    """The level of batch norm with dropout right before it."""
    return f"dropout {rate} before batch norm"


def after(rate: float) -> str:
    """The level of batch norm with dropout after it and ReLU."""
    return f"dropout {rate} after batch norm"


LAST = f"dropout {LISTED} after the last batch norm"
LIGHT, STRONG = "batch norm and weight decay 5e-4", "batch norm and halving weight decay"
LARGEST = "batch norm and weight decay 1e-2"
L1, L1_STRONG = "batch norm and L1 of 1e-4", "batch norm and L1 of 1e-3"
DECAYS = (LIGHT, STRONG)
NAMED, STRONGER = (LIGHT, LARGEST, L1), (STRONG, L1_STRONG)  # than any that the document names
PENALTIES = (*NAMED, *STRONGER)
PLACES = (before, after)

TREATMENTS: dict[str, Treatment] = {
    ALONE: Treatment(),
    **{dropout_alone(p): Treatment(batch_norm=False, drop=p) for p in HEAVY},
    **{before(p): Treatment(place="before", drop=p) for p in (LOW, *HEAVY)},
    **{after(p): Treatment(place="after", drop=p) for p in (LOW, *HEAVY)},
    LAST: Treatment(place="last", drop=LISTED),
    LIGHT: Treatment(decay=LIGHT_DECAY),
    LARGEST: Treatment(decay=LARGEST_DECAY),
    STRONG: Treatment(halves=True),
    L1: Treatment(l1=1e-4),
    L1_STRONG: Treatment(l1=1e-3),
}

TASK = Factor(
    "task",
    tuple(TASKS),
    words={
        LISTING: "perceptron, listing 3's rows",
        DIGITS: "perceptron, digits",
        CNN: "convolutions, digits",
    },
)
TREATMENT = Factor("treatment", tuple(TREATMENTS), control=ALONE)


def in_design(arm: Arm) -> bool:
    """Convolutions, which take longest, have listing 3's heavy rate alone."""
    return arm[TASK] != CNN or TREATMENTS[arm[TREATMENT]].drop != HALF


@dataclass(frozen=True)
class Samples:
    """Rows for each block, by task.

    Attributes:
        by_task: see there.
        share: of each task's epochs that are trained.
    """

    by_task: Mapping[str, Sample] = field(repr=False)
    share: float = 1.0


def prepare(blocks: tuple[Block, ...]) -> Samples:
    """Draw each task's rows, a cut for each block; a profile's effort is listing 3's epochs."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    drawn = {
        name: draw_sample(
            task.source, seeds, train=task.train, held_out=task.held_out, device=device
        )
        for name, task in TASKS.items()
    }
    return Samples(drawn, blocks[0].effort / EPOCHS)


def build(task: Task, treatment: Treatment, sample: Sample) -> Callable[[], nn.Module]:
    """What makes a network of a task with a treatment."""
    has = {
        "batch_norm": treatment.batch_norm,
        "place": treatment.place,
        "drop": treatment.drop,
    }
    if task.perceptron:
        return partial(perceptron, sample.features, sample.classes, **has)  # type: ignore[arg-type]  # each is of its parameter's type
    return partial(convolutions, sample.classes, **has)  # type: ignore[arg-type]  # as above


def trained(samples: Samples, task_name: str, treatment_name: str) -> History:
    """Train all replicas of a task with a treatment."""
    task, treatment = TASKS[task_name], TREATMENTS[treatment_name]
    sample = samples.by_task[task_name]
    epochs = max(2, round(samples.share * task.epochs))
    steps = epochs * math.ceil(task.train / BATCH)
    decay = math.log(2) / (RATE * steps) if treatment.halves else treatment.decay
    penalty = partial(l1, strength=treatment.l1) if treatment.l1 else None
    recipe = Recipe(epochs, batch=BATCH, lr=RATE, decay=decay, penalty=penalty)
    return fit(build(task, treatment, sample), sample, recipe)
