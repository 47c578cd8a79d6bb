"""Is the number of examples seen N times the epochs, and for which loaders?

The rows that a loader delivers in 3 epochs are counted, in order and shuffled, for data sets that
the batch divides and that it does not. Beyond the passage, which speaks of the default loader,
stand ``drop_last``, a weighted sampler, which draws as many rows as there are and some of them
twice, and a sampler for 3 processes, which fills up with repeated rows until all have as many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
    less_than,
)
from harness.libraries import torch
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import Counted, train

if TYPE_CHECKING:
    from torch.utils.data import Sampler

EPOCHS, BATCH, PROCESSES = 3, 32, 3
SIZES = (33, 100, 960, 1_000, 10_000)
EXAMPLES = Factor("examples", SIZES, words={size: f"{size:,} examples" for size in SIZES})
IN_ORDER, SHUFFLED, DROPPED, WEIGHTED, SPREAD = (
    "in order",
    "shuffled",
    "drop_last",
    "weighted sampler",
    "3 processes",
)
LOADER = Factor(
    "loader",
    (IN_ORDER, SHUFFLED, DROPPED, WEIGHTED, SPREAD),
    words={SPREAD: "DistributedSampler for 3 processes"},
)
#: Divisible neither by the batch nor by the processes.
ODD = 1_000

CLAIMS = (
    Claim(
        "C0.25",
        Value("seen_off").at(loader=(IN_ORDER, SHUFFLED)).always(),
        equals(0),
        reading="Examples seen: the rows that a loader delivers in 3 epochs, in order or shuffled, "
        "are exactly 3 N.",
        headline={"loader": SHUFFLED, "examples": 10_000},
    ),
    Beyond(
        "C0.25",
        Value("seen_off").at(loader=DROPPED, examples=ODD).always(),
        equals(0),
        why="drop_last",
    ),
    Beyond(
        "C0.25",
        Value("repeated").at(loader=WEIGHTED, examples=ODD).always(),
        equals(0),
        why="a weighted sampler, which draws with replacement",
        reading="Rows of an epoch that it has delivered before: none.",
    ),
    Beyond(
        "C0.25",
        Value("seen_off").at(loader=SPREAD, examples=ODD).always(),
        equals(0),
        why="several processes, whose sampler fills up to a multiple of them",
    ),
    Control(
        "a loader that drops its last batch delivers fewer",
        Value("seen_off").at(loader=DROPPED, examples=ODD).always(),
        less_than(0),
    ),
    Control(
        "in order and shuffled every row of an epoch is another",
        Value("repeated").at(loader=(IN_ORDER, SHUFFLED)).always(),
        equals(0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Train, and count the rows that came and those that came again."""
    examples = arm[EXAMPLES]
    runs = LOADERS[arm[LOADER]](Run(examples, BATCH, EPOCHS, drop_last=arm[LOADER] == DROPPED))
    seen = sum(sum(run.sizes) for run in runs)
    repeated = sum(sum(run.sizes) - sum(run.distinct) for run in runs)
    return {"seen_off": seen - examples * EPOCHS, "repeated": repeated / EPOCHS}


def weighted(run: Run) -> list[Counted]:
    """As many draws as rows, with replacement, all rows alike."""
    sampler = torch.utils.data.WeightedRandomSampler([1.0] * run.examples, run.examples)
    return [train(run, sampler=sampler)]


def spread(run: Run) -> list[Counted]:
    """Each process of several on its part of the rows."""
    rows: Any = range(run.examples)
    samplers: list[Sampler[int]] = [
        torch.utils.data.DistributedSampler(rows, PROCESSES, rank) for rank in range(PROCESSES)
    ]
    return [train(run, sampler=sampler) for sampler in samplers]


LOADERS: dict[str, Callable[[Run], list[Counted]]] = {
    IN_ORDER: lambda run: [train(run, shuffle=False)],
    SHUFFLED: lambda run: [train(run)],
    DROPPED: lambda run: [train(run)],
    WEIGHTED: weighted,
    SPREAD: spread,
}

EXPERIMENT: Experiment[Block] = Experiment(
    question="Is the number of examples seen N times the epochs?",
    factors=(EXAMPLES, LOADER),
    only=lambda arm: arm[LOADER] in (IN_ORDER, SHUFFLED) or arm[EXAMPLES] == ODD,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("seen_off", "examples", "examples delivered less N x epochs"),
        Response("repeated", "examples", "rows of an epoch that it has delivered before"),
    ),
    claims=CLAIMS,
)
