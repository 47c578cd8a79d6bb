"""What does DistributedSampler give each GPU?

Built without a process group, for 2, 4 and 8 ranks, over 1,000 examples, which all of them divide,
and over 1,003, which none does; shuffled, as is its default, and not. For each rank the list of its
examples is read. Where ranks do not divide the data the sampler repeats some examples so that all
ranks get equally many: that is counted, as a condition of its own, for the passage does not say how
large its data are. With ``drop_last=True`` it leaves examples out instead, which is not the default
and shown beside. Ranks that have no such sampler and read everything show what no splitting is.

C2.27 is the quiz question on the same statement as C2.13, with which it shares every condition.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    equals,
    less_than,
    more_than,
)
from harness.figures import BLACK, SKY, VERMILION
from harness.libraries import torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch.utils.data import DistributedSampler

GPUS = Factor("gpus", (2, 4, 8), words={gpus: f"{gpus} GPUs" for gpus in (2, 4, 8)})
#: The smallest set is there to be drawn.
SIZE = Factor("size", (43, 1000, 1003), label="examples")
JUDGED, DRAWN = (1000, 1003), 43
DIVISIBLE = 1000
ORDER = Factor("order_of_rows", ("shuffled", "as stored"), words={"as stored": "shuffle=False"})
DEFAULT, DROP, NONE = "as by default", "drop_last", "none"
SAMPLER = Factor(
    "sampler",
    (DEFAULT, DROP, NONE),
    words={DEFAULT: "", DROP: "drop_last=True", NONE: "no splitting"},
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            claim,
            Value("repeated").at(sampler=DEFAULT, size=JUDGED).always(),
            equals(0),
            reading="Unique and not overlapping: no example is given to two GPUs, or twice to one.",
            headline={"gpus": 8, "size": 1003, "order_of_rows": "shuffled"},
        )
        for claim in ("C2.13", "C2.27")
    ),
    *(
        Beyond(
            claim,
            Value("missing").at(sampler=DROP, size=JUDGED).always(),
            equals(0),
            why="drop_last=True, which is not the default",
            reading="Splits the data: no example is left out.",
        )
        for claim in ("C2.13", "C2.27")
    ),
    Claim(
        "C2.14",
        Value("as_listed").at(sampler=DEFAULT, size=DIVISIBLE).always(),
        equals(1),
        reading="GPU r of N gets the examples r, r + N, r + 2N and so on, in this order.",
        headline={"gpus": 8, "order_of_rows": "shuffled"},
    ),
    Beyond(
        "C2.14",
        Value("strided").at(sampler=DEFAULT, size=DIVISIBLE, order_of_rows="shuffled").always(),
        equals(1),
        why="places in the shuffled order, where the passage lists examples",
        reading="GPU r of N gets every N-th example of one order that all GPUs share.",
    ),
    Claim(
        "C2.15",
        Value("off_share").at(sampler=DEFAULT, size=JUDGED).always(),
        less_than(1),
        reading="Every GPU gets 1/N of the examples, rounded to whole examples.",
        headline={"gpus": 8, "size": 1003, "order_of_rows": "shuffled"},
    ),
    Control(
        "without splitting every example is repeated",
        Value("repeated").at(sampler=NONE, size=1003).always(),
        equals(1003),
    ),
    Control(
        "and every GPU gets more than its share",
        Value("off_share").at(sampler=NONE, size=JUDGED).always(),
        more_than(1),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """The lists of all ranks, for a sampler with the block's seed."""
    shards = [shard(arm, rank, arm[GPUS], block.seed) for rank in range(arm[GPUS])]
    drawn = arm[SIZE] == DRAWN
    return {
        **counted(shards, arm[SIZE]),
        "strided": float(strided(shards, shard(arm, 0, 1, block.seed))),
        "given": [float(each) for rank in shards for each in rank] if drawn else [math.nan],
    }


def shard(arm: Arm, rank: int, ranks: int, seed: int) -> list[int]:
    """The examples that a rank gets in an epoch."""
    data, shuffled = range(arm[SIZE]), arm[ORDER] == "shuffled"
    if arm[SAMPLER] == NONE:
        return [*data]
    sampler: DistributedSampler[Any] = torch.utils.data.DistributedSampler(
        data,  # type: ignore[arg-type]  # all it asks for is the length
        num_replicas=ranks,
        rank=rank,
        shuffle=shuffled,
        seed=seed % 2**31,
        drop_last=arm[SAMPLER] == DROP,
    )
    return [int(example) for example in sampler]


def counted(shards: Sequence[Sequence[int]], size: int) -> dict[str, float]:
    """How ranks share a set.

    Args:
        shards: the examples of each rank.
        size: how many examples there are.
    """
    ranks = len(shards)
    seen = Counter(example for rank in shards for example in rank)
    listed = [[*range(rank, size, ranks)] for rank in range(ranks)]
    return {
        "repeated": float(sum(times > 1 for times in seen.values())),
        "missing": float(size - len(seen)),
        "as_listed": float([[*rank] for rank in shards] == listed),
        "off_share": max(abs(len(rank) - size / ranks) for rank in shards),
    }


def strided(shards: Sequence[Sequence[int]], order: Sequence[int]) -> bool:
    """Whether each rank has every N-th example of an order, from its own place on."""
    ranks = len(shards)
    return [[*rank] for rank in shards] == [[*order[rank::ranks]] for rank in range(ranks)]


def shards_of_a_small_set(table: pd.DataFrame) -> Figure:
    """Every example that eight GPUs get of 43, those marked that come twice."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    gpus = max(GPUS.levels)
    mine = table[(table["gpus"] == gpus) & (table["sampler"] == DEFAULT)]
    mine = mine[mine["order_of_rows"] == "shuffled"]
    cells = mine[(mine["size"] == DRAWN) & (mine["response"] == "given")]
    cells = cells[cells["block"] == cells["block"].min()].sort_values("round")
    given = cells["value"].dropna().to_numpy(np.int64)
    times = Counter(given.tolist())
    columns = max(1, len(given) // gpus)
    for place, example in enumerate(given.tolist()):
        rank, column = divmod(place, columns)
        again = times[example] > 1
        colour = VERMILION if again else SKY
        axes.barh(rank, 0.94, left=column - 0.47, height=0.88, color=colour)
        axes.text(
            column,
            rank,
            str(example),
            ha="center",
            va="center",
            fontsize=17,
            color="white" if again else BLACK,
        )
    axes.set_yticks(range(gpus), [f"GPU {rank}" for rank in range(gpus)])
    axes.invert_yaxis()
    axes.set_xticks(range(columns), [str(place + 1) for place in range(columns)])
    axes.set_xlim(-0.6, columns - 0.4)
    axes.set_xlabel(f"place in the GPU's epoch (cells: numbers of the {DRAWN} examples; one seed)")
    axes.grid(visible=False)
    twice = sum(count > 1 for count in times.values())
    large = mine[(mine["size"] == JUDGED[-1]) & (mine["response"] == "repeated")]["value"].median()
    figure.suptitle(
        f"{gpus} GPUs are given {twice} of {DRAWN} examples twice (red), and "
        f"{large:.0f} of {JUDGED[-1]:,}: by default\nDistributedSampler repeats examples where "
        f"the number of GPUs does not divide the data (CPU)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="What does DistributedSampler give each GPU?",
    factors=(GPUS, SIZE, ORDER, SAMPLER),
    only=lambda arm: arm[SIZE] in JUDGED or arm[SAMPLER] == DEFAULT,
    blocks=PerProfile(1, 3, 10),
    measure=measure,
    responses=(
        Response("repeated", "examples", "number of examples that come more than once"),
        Response("missing", "examples", "number of examples that no GPU gets"),
        Response(
            "as_listed", "yes/no", "GPU r gets exactly the examples r, r + N, r + 2N and so on"
        ),
        Response("strided", "yes/no", "GPU r gets every N-th example of one order, from place r"),
        Response("off_share", "examples", "largest distance of a GPU's count from 1/N of the data"),
        Response("given", "1", "the examples given, GPU after GPU"),
    ),
    claims=CLAIMS,
    figures=(shards_of_a_small_set,),
)
