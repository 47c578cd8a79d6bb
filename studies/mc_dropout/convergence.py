"""How many passes does a stable variance take?

Trained classifiers are passed forward two thousand times with dropout on, and the passes cut into
groups of N. Each group gives a variance of one output (that of the class that the mean favours) on
one row; how far it is from the variance of all passes, relative to that, is its error, and the
median over groups and rows is the error of a variance from N passes.

The passage gives no tolerance, and whoever chooses one chooses an N: of normal outputs the median
error is 10, 15 and 20 % at 92, 41 and 24 passes, whatever the network. Judged is the one that the
catalogue proposed before anything was measured, 20 %; one that puts normal outputs at fifty would
find what it was chosen for. The claim holds where 40 to 60 passes are needed: fewer, and fifty is
not the least; more, and fifty is not enough. The N is read off between the
sizes tried by a straight line in the logarithms; 200 stands for 200 or more. Other tolerances, and
quantities that average more, are shown beside, and the whole curve.
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
    at_most,
    between,
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
NEEDED = between(40.0, 60.0)

if TYPE_CHECKING:
    from torch import Tensor

TASK = Factor("task", (PERCEPTRON, CANCER, LISTING))
QUANTITY = Factor("quantity", (PROBABILITY, LOGIT), label="output")
MORE = f"({SIZES[-1]}: or more)"
#: Of which the variance is taken: of one class on one row; the mean over a row's classes; the mean
#: over all classes and rows, as the document's one-line command prints it.
RESPONSES = (
    Response("needed", "passes", f"passes that a variance needs for a median error of 20 % {MORE}"),
    Response(
        "needed_10", "passes", f"passes that a variance needs for a median error of 10 % {MORE}"
    ),
    Response(
        "needed_15", "passes", f"passes that a variance needs for a median error of 15 % {MORE}"
    ),
    Response(
        "needed_classes", "passes", f"passes for 20 %, of the mean variance of all classes {MORE}"
    ),
    Response("needed_rows", "passes", f"passes for 20 %, of the mean over rows and classes {MORE}"),
    Response("error_at_50", "1", "median relative error of a variance from 50 passes"),
    Response("error", "1", "median relative error of a variance, by passes"),
    Response("error_rows", "1", "median relative error of the mean over rows and classes"),
)


def reading(tolerance: int, of: str) -> str:
    """The rule on a number of passes in a sentence."""
    return (
        f"Stable from about 50 passes on: for {of} to have a median error of {tolerance} %, 40 to "
        "60 passes are needed."
    )


ONE = "the variance of one output on one row"

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-mc-5",
        Value("needed"),
        NEEDED,
        reading=reading(20, ONE),
        headline={"task": PERCEPTRON, "rate": 0.5, "quantity": PROBABILITY},
    ),
    Beyond(
        "D-mc-5",
        Value("error_at_50").at(rate=0.5),
        at_most(TOLERANCE),
        why="whether 50 suffice as well, which the passage does not say",
        reading="With 50 passes the variance has a median error of 20 % at most.",
    ),
    *(
        Beyond(
            "D-mc-5",
            Value(f"needed_{tolerance}").at(rate=0.5),
            NEEDED,
            why=f"a tolerance of {tolerance} %",
            reading=reading(tolerance, ONE),
        )
        for tolerance in (10, 15)
    ),
    Beyond(
        "D-mc-5",
        Value("needed_classes").at(rate=0.5),
        NEEDED,
        why="the mean variance of all classes of a row, which averages more",
        reading=reading(20, "the mean variance of all classes of a row"),
    ),
    Beyond(
        "D-mc-5",
        Value("needed_rows").at(rate=0.5),
        NEEDED,
        why="the mean over rows and classes, as the document's command prints it",
        reading=reading(20, "the mean variance over 20 rows and all classes"),
    ),
)


def relative_errors(values: Numbers, sizes: Sequence[int]) -> list[Numbers]:
    """How far variances from so many passes are off, relative to that of all passes.

    Args:
        values: of one pass after another, shape (passes, ...).
        sizes: numbers of passes.

    Returns:
        For each size the errors of its groups, shape (groups, ...); zero where nothing varies.
    """
    whole = values.var(axis=0, ddof=1)
    return [_off(grouped_variances(values, size), whole, size / len(values)) for size in sizes]


def grouped_variances(values: Numbers, size: int) -> Numbers:
    """The unbiased variance of each group of passes; shape (groups, ...)."""
    groups = len(values) // size
    grouped = values[: groups * size].reshape(groups, size, *values.shape[1:])
    variances: Numbers = grouped.var(axis=1, ddof=1)
    return variances


def _off(variances: Numbers, whole: Numbers | float, share: float) -> Numbers:
    """Errors of groups, which are a share of the passes that they are held against.

    A group is that much nearer to the whole than to what it estimates: its error is divided by the
    root of the share that it is not.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.where(whole > 0, np.abs(variances / whole - 1), 0.0)
    found: Numbers = errors / math.sqrt(1 - share)
    return found


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
    one = np.array([np.median(each) for each in relative_errors(one_class, sizes)])
    # The variances of classes and rows are averaged group by group.
    whole = outputs.var(axis=0, ddof=1)
    of_classes, of_rows = [], []
    for size in sizes:
        grouped, share = grouped_variances(outputs, size), size / len(outputs)
        of_classes.append(np.median(_off(grouped.mean(axis=2), whole.mean(axis=1), share)))
        of_rows.append(np.median(_off(grouped.mean(axis=(1, 2)), whole.mean(), share)))
    classes, rows = np.array(of_classes), np.array(of_rows)
    return {
        "needed": first_within(one, sizes, TOLERANCE),
        "needed_10": first_within(one, sizes, 0.10),
        "needed_15": first_within(one, sizes, 0.15),
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
