"""What becomes of training when the gradients are never reset?

Five tasks are trained with four optimisers, each at two usual learning rates ten times apart, once
with ``zero_grad`` and once without: the same weights, data and batches. Watched are the norm of
``.grad`` as the optimiser finds it, its direction, and the loss over the training set. In two more
arms the weights stay where they are (a learning rate of 0): with all rows in every step all
gradients are the same, and the sum must be a hundred times the first.

The documents state what happens as the rule. A cell of the grid is a task with an optimiser and a
rate; of each claim it is counted in how many of the 40 cells it comes true, seed by seed, and nine
in ten is taken for the rule. That was proposed for "diverges" and is used for all: judged cell by
cell, a claim would stay open as soon as one of 40 intervals crosses an edge. The count stands at
the level "the whole grid" of both factors, and the figures show every cell.

The verdicts speak for small networks, batches of 32 and 1,000 steps: half of those proposed, so
that each of four optimisers can have two rates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
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
    cross,
    equals,
    less_than,
)
from harness.workloads.curves import Curves
from studies.bugs.grid import (
    DIVERGED,
    FROZEN_ALL,
    GRADIENTS,
    GRID,
    MARGIN,
    SETTING,
    SETTINGS,
    TASK,
    TASKS,
    trained,
)
from studies.bugs.grid_figures import gradient_norms, losses_at_the_end

NINE_IN_TEN = at_least(0.9)
HUNDREDFOLD = (80.0, 120.0)  # a single figure: 20 % to both sides
TURNED = 0.3
LINEAR_GROWTH, STRAIGHT = (0.9, 1.1), 0.95

CLAIMS = (
    Claim(
        "C5.03",
        Value("hundredfold").at(task=GRID),
        NINE_IN_TEN,
        reading="In at least nine of ten cells of the grid the gradient at step 100 is 80 to 120 "
        "times as long as that of the first step.",
    ),
    Claim(
        "C5.04",
        Value("turned").at(task=GRID),
        NINE_IN_TEN,
        reading="An averaged direction is another one than that of the gradient of now: in at "
        "least nine of ten cells the cosine between the two is below 0.3 at step 100.",
    ),
    Claim(
        "C5.05",
        Value("diverged").at(task=GRID),
        NINE_IN_TEN,
        reading="In at least nine of ten cells the loss ends above ten times the initial one, or "
        "is no number.",
    ),
    Claim(
        "C3.28",
        Value("worse").at(task=GRID),
        NINE_IN_TEN,
        reading="Never to converge properly is less than to diverge: in at least nine of ten cells "
        "the loss ends above that of the correct loop, by more than 1 % of the initial loss.",
    ),
    Claim(
        "C5.31",
        Value("linear").at(task=GRID),
        NINE_IN_TEN,
        reading="In at least nine of ten cells the gradient's norm grows with a power of the steps "
        "between 0.9 and 1.1, and a straight line fits it with an R^2 above 0.95.",
    ),
    Control(
        "a hundred equal gradients are a hundred times the first",
        Value("growth").at(setting=FROZEN_ALL).always(),
        equals(100.0, within=0.01),
    ),
    Control(
        "and grow on a straight line",
        Value("exponent").at(setting=FROZEN_ALL).always(),
        equals(1.0, within=1e-3),
    ),
    Control(
        "frozen weights leave the loss as it is",
        Value("rises").at(setting=FROZEN_ALL).always(),
        equals(0.0),
    ),
    Control(
        "with zero_grad every cell learns",
        Value("decades").at(gradients="reset"),
        less_than(0.0),
    ),
)

#: What holds in a cell or not; in the whole grid it is a share.
HOLDS = ("hundredfold", "turned", "linear", "diverged", "worse", "better")
RESPONSES = (
    Response("growth", "1", "norm at step 100 over norm at step 1"),
    Response("cosine", "1", "at step 100, between the step's gradient and what is accumulated"),
    Response("exponent", "1", "exponent"),
    Response("straightness", "1", "straightness"),
    Response(
        "decades", "powers of ten", "from the initial to the final loss over the training set"
    ),
    Response("share_left", "1", "of the initial loss, a million at most"),
    Response("rises", "1", "share of epochs in which that loss is higher than before"),
    Response("norm", "1", "relative to the first step's, at each of the LOOKS"),
    Response("hundredfold", "1", "hundredfold"),
    Response("turned", "1", "turned"),
    Response("linear", "1", "linear"),
    Response("diverged", "1", "diverged"),
    Response("worse", "1", "worse"),
    Response("better", "1", "better"),
)


def in_the_design(arm: Arm) -> bool:
    """Frozen weights and the whole grid are looked at without zero_grad only."""
    if (arm[TASK] == GRID) != (arm[SETTING] == GRID):
        return False
    return arm[SETTING] in SETTINGS or arm[GRADIENTS] == "kept"


def judged(blocks: tuple[Block, ...], arm: Arm) -> dict[str, Curves]:
    """A cell's numbers with what they say to each claim, as 0 or 1 for each replica."""
    found = dict(trained(blocks, arm))
    left = usual = found.pop("share")
    if arm[SETTING] in SETTINGS:
        usual = trained(blocks, arm.replaced(gradients="reset"))["share"]
    holds = {
        "hundredfold": _inside(found["growth"], *HUNDREDFOLD),
        "turned": found["cosine"] < TURNED,
        "linear": _inside(found["exponent"], *LINEAR_GROWTH) & (found["straightness"] > STRAIGHT),
        "diverged": left > DIVERGED,
        "worse": left > usual + MARGIN,
        "better": left < usual - MARGIN,
    }
    found |= {"decades": np.log10(left), "share_left": np.minimum(left, 1e6)}
    return found | {name: true.astype(np.float64) for name, true in holds.items()}


def _inside(values: Curves, low: float, high: float) -> NDArray[np.bool_]:
    return (values >= low) & (values <= high)


def whole_grid(blocks: tuple[Block, ...]) -> dict[str, Curves]:
    """For each replica in which share of the grid's cells each thing holds, without zero_grad."""
    kept = Factor("gradients", ("kept",))
    cells = cross((Factor("task", TASKS), Factor("setting", tuple(SETTINGS)), kept))
    found = [judged(blocks, cell) for cell in cells]
    shares = {name: np.mean([cell[name] for cell in found], axis=0) for name in HOLDS}
    return dict.fromkeys(RESPONSES, np.full(len(blocks), math.nan)) | shares


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train a cell's replicas, or count over all cells."""
    found = whole_grid(blocks) if arm[TASK] == GRID else judged(blocks, arm)
    return [
        {name: values[..., replica].tolist() for name, values in found.items()}
        for replica in range(len(blocks))
    ]


EXPERIMENT: Experiment[Block] = Experiment(
    question="What becomes of training when the gradients are never reset?",
    factors=(TASK, SETTING, GRADIENTS),
    only=in_the_design,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(100, 1000, 2000),  # steps
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(gradient_norms, losses_at_the_end),
)
