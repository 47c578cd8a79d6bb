"""How many passes does a stable variance take?

Trained classifiers are passed forward two thousand times with dropout on, and the passes cut into
groups of N. Each group gives a variance of one output (that of the class that the mean favours) on
one row; the standard deviation of these variances over the groups, divided by their mean, is how
much a variance from N passes is off, relative to itself.

The passage gives no tolerance. Named before any run: a variance is stable where this relative error
is at most 20 %, so that the standard deviation, which is what anybody reads, is off by 10 %. Normal
outputs need 51 passes for that, whatever the network; how far the outputs of real ones are from
normal is the question. What is read off is the N at which the median row gets there, between the
sizes tried by a straight line in the logarithms; below 10 and above 200 it counts as these. The
passage says that at least 50 are needed, and not that 50 suffice: the claim holds where 40 or more
are. Other tolerances, and quantities that average more, are shown beside, and the whole curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.libraries import torch
from studies.mc_dropout.convergence_figures import error_by_passes
from studies.mc_dropout.levels import (
    CANCER,
    ENOUGH,
    LISTING,
    LOGIT,
    PERCEPTRON,
    PROBABILITY,
    RATE,
    SIZES,
    TOLERANCE,
)
from studies.mc_dropout.nets import train
from studies.mc_dropout.passes import Numbers, dropout_alone, passes

PASSES, ROWS = 2000, 20
NEEDED = at_least(40.0)

if TYPE_CHECKING:
    from torch import Tensor

TASK = Factor("task", (PERCEPTRON, CANCER, LISTING))
QUANTITY = Factor("quantity", (PROBABILITY, LOGIT), label="output")
#: Of which the variance is taken: of one class on one row; the mean over a row's classes; the mean
#: over all classes and rows, as the document's one-line command prints it.
RESPONSES = (
    Response("needed", "passes", "passes that a variance needs to be off by 20 %"),
    Response("needed_10", "passes", "passes that a variance needs to be off by 10 %"),
    Response("needed_30", "passes", "passes that a variance needs to be off by 30 %"),
    Response("needed_classes", "passes", "passes for 20 %, of the mean variance of all classes"),
    Response("needed_rows", "passes", "passes for 20 %, of the mean over rows and classes"),
    Response("error_at_50", "1", "relative error of a variance from 50 passes, median over rows"),
    Response("error", "1", "relative error of a variance, median over rows, by passes"),
    Response("error_rows", "1", "relative error of the mean over rows and classes, by passes"),
)
READING = (
    "A stable variance takes at least 50 passes: for the variance of one output on one row to be "
    "off by 20 % of itself (its standard deviation by 10 %) the median row needs 40 passes or more."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-mc-5",
        Value("needed"),
        NEEDED,
        reading=READING,
        headline={"task": PERCEPTRON, "rate": 0.5, "quantity": PROBABILITY},
    ),
    Beyond(
        "D-mc-5",
        Value("error_at_50").at(rate=0.5),
        at_most(0.22),
        why="whether 50 suffice as well, which the passage does not say",
        reading="With 50 passes the variance of the median row is off by 22 % of itself at most.",
    ),
    Beyond(
        "D-mc-5",
        Value("needed_10").at(rate=0.5),
        NEEDED,
        why="a tolerance of 10 %",
        reading="The median row needs 40 passes or more for a variance that is off by 10 %.",
    ),
    Beyond(
        "D-mc-5",
        Value("needed_30").at(rate=0.5),
        NEEDED,
        why="a tolerance of 30 %",
        reading="The median row needs 40 passes or more for a variance that is off by 30 %.",
    ),
    Beyond(
        "D-mc-5",
        Value("needed_classes").at(rate=0.5),
        NEEDED,
        why="the mean variance of all classes of a row, which averages more",
        reading="The median row needs 40 passes or more for its mean variance over all classes to "
        "be off by 20 %.",
    ),
    Beyond(
        "D-mc-5",
        Value("needed_rows").at(rate=0.5),
        NEEDED,
        why="the mean over rows and classes, as the document's command prints it",
        reading="The mean variance over 20 rows and all classes needs 40 passes or more to be off "
        "by 20 %.",
    ),
)


def relative_errors(values: Numbers, sizes: Sequence[int]) -> Numbers:
    """How much a variance from so many passes is off, relative to itself.

    Args:
        values: of one pass after another, shape (passes, ...).
        sizes: numbers of passes.

    Returns:
        The standard deviation over groups of so many passes of the group's variance, over its
        mean, shape (sizes, ...); zero where nothing varies at all.
    """
    return np.stack([_off(grouped_variances(values, size)) for size in sizes])


def grouped_variances(values: Numbers, size: int) -> Numbers:
    """The unbiased variance of each group of passes; shape (groups, ...)."""
    groups = len(values) // size
    grouped = values[: groups * size].reshape(groups, size, *values.shape[1:])
    variances: Numbers = grouped.var(axis=1, ddof=1)
    return variances


def _off(variances: Numbers) -> Numbers:
    mean = variances.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mean > 0, variances.std(axis=0, ddof=1) / mean, 0.0)


def first_within(errors: Numbers, sizes: Sequence[int], tolerance: float) -> float:
    """The number of passes at which a curve of errors gets to a tolerance.

    Args:
        errors: one a size, shape (sizes,).
        sizes: rising.
        tolerance: the error.

    Returns:
        Between the sizes around it by a straight line in the logarithms; the smallest size where
        the curve begins within, the largest where it never gets there.
    """
    within = np.flatnonzero(errors <= tolerance)
    if not len(within):
        return float(sizes[-1])
    at = int(within[0])
    if at == 0:
        return float(sizes[0])
    left, right = (math.log(max(errors[place], 1e-12)) for place in (at - 1, at))
    share = (left - math.log(tolerance)) / (left - right)
    low, high = math.log(sizes[at - 1]), math.log(sizes[at])
    return math.exp(low + share * (high - low))


@dataclass
class Passes:
    """A cohort's passes, kept from one of the two outputs that are looked at to the other."""

    blocks: tuple[Block, ...]
    kept: dict[tuple[str, float], Tensor] = field(default_factory=dict)

    def outputs(self, task: str, rate: float) -> Tensor:
        """Logits, shape (passes, replicas, rows, classes)."""
        if (task, rate) in self.kept:
            return self.kept.pop((task, rate))
        effort = self.blocks[0].effort
        trained = train(task, rate, self.blocks, shortened=effort)
        nets, x = dropout_alone(trained.nets), trained.sample.test.x[:, :ROWS]
        self.kept[task, rate] = torch.stack(list(passes(nets, x, PASSES // effort)))
        return self.kept[task, rate]


def measure(shared: Passes, arm: Arm) -> Sequence[Responses]:
    """Train, pass forward very often, and see how variances settle."""
    outputs = shared.outputs(arm[TASK], arm[RATE]).double()
    if arm[QUANTITY] == PROBABILITY:
        outputs = outputs.softmax(dim=-1)
    sizes = [size for size in SIZES if 2 * size <= len(outputs)]
    return [settled(outputs[:, place].cpu().numpy(), sizes) for place in range(len(shared.blocks))]


def settled(outputs: Numbers, sizes: Sequence[int]) -> dict[str, float | list[float]]:
    """What one network's outputs, shape (passes, rows, classes), say of its variances."""
    favoured = outputs.mean(axis=0).argmax(axis=1)
    one_class = outputs[:, np.arange(outputs.shape[1]), favoured]
    one = np.median(relative_errors(one_class, sizes), axis=1)
    # The variances of classes and rows are averaged group by group.
    grouped = [grouped_variances(outputs, size) for size in sizes]
    classes = np.array([np.median(_off(each.mean(axis=2))) for each in grouped])
    rows = np.array([float(_off(each.mean(axis=(1, 2)))) for each in grouped])
    return {
        "needed": first_within(one, sizes, TOLERANCE),
        "needed_10": first_within(one, sizes, 0.10),
        "needed_30": first_within(one, sizes, 0.30),
        "needed_classes": first_within(classes, sizes, TOLERANCE),
        "needed_rows": first_within(rows, sizes, TOLERANCE),
        "error_at_50": float(one[sizes.index(ENOUGH)]) if ENOUGH in sizes else math.nan,
        "error": one.tolist(),
        "error_rows": rows.tolist(),
    }


EXPERIMENT: Experiment[Passes] = Experiment(
    question="How many passes does a stable variance take?",
    factors=(TASK, RATE, QUANTITY),
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(20, 1, 1),  # epochs and passes are divided by it
    prepare_together=Passes,
    measure_together=measure,
    claims=CLAIMS,
    figures=(error_by_passes,),
)
