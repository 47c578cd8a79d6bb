"""How often is every example seen in one epoch, and in three?

A DataLoader reads 10,000 numbered examples in batches of 32, as in the chapter on vocabulary: in
order or shuffled, for one epoch or three. Counted are the examples that did not come exactly once
an epoch. The samplers that the document brings up only later, weighted and distributed, and a
loader that drops its last batch are counted by the same rule: they show that the count can differ,
and no plain epoch is meant by them. Three GPUs do not divide 10,000.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

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
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, SKY
from studies.sampling.drawing import (
    DISTRIBUTED,
    DROPPED,
    IN_ORDER,
    SHUFFLED,
    WEIGHTED,
    epoch_of,
    flat,
    loader_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS, BATCH, GPUS = 10_000, 32, 3
LOADER = Factor(
    "loader",
    (IN_ORDER, SHUFFLED, DROPPED, DISTRIBUTED, WEIGHTED),
    words={
        DROPPED: "shuffled, last batch dropped",
        DISTRIBUTED: f"distributed over {GPUS} GPUs",
        WEIGHTED: "weighted, with replacement",
    },
)
EPOCHS = Factor("epochs", (1, 3), words={1: "one epoch", 3: "three epochs"})

ONCE = "No example comes more or less often than once an epoch."
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C0.07",
        Value("otherwise").at(loader=(IN_ORDER, SHUFFLED)).always(),
        equals(0),
        reading=ONCE,
        headline={"loader": SHUFFLED, "epochs": 1},
    ),
    Claim(
        "C2.26",
        Value("otherwise").at(loader=SHUFFLED, epochs=1).always(),
        equals(0),
        reading=f"No example comes twice within an epoch: {ONCE[0].lower()}{ONCE[1:]}",
        headline=True,
    ),
    *(
        Beyond("C0.07", Value("otherwise").at(loader=loader).always(), equals(0), why=why)
        for loader, why in (
            (DROPPED, "a loader that is told to drop its last batch"),
            (DISTRIBUTED, "several GPUs, whose sampler fills the last round up"),
            (WEIGHTED, "a sampler that draws with replacement"),
        )
    ),
    Control(
        "with replacement an example may come twice",
        Value("otherwise").at(loader=WEIGHTED).always(),
        more_than(0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Read the epochs, and count how often every example came."""
    loaders = loader_of(arm[LOADER], ROWS, BATCH, ranks=GPUS)
    seen: Counter[int] = Counter()
    for _epoch in range(arm[EPOCHS]):
        seen.update(flat(epoch_of(loaders)))
    return visits([seen[row] for row in range(ROWS)], arm[EPOCHS])


def visits(counts: list[int], epochs: int) -> Responses:
    """The examples by how often they came.

    Args:
        counts: how often each example came.
        epochs: how often it should have.
    """
    found = np.asarray(counts)
    return {
        "otherwise": float((found != epochs).sum()),
        "never": float((found == 0).sum()),
        "less": float(((found > 0) & (found < epochs)).sum()),
        "more": float((found > epochs).sum()),
    }


def examples_by_visits(table: pd.DataFrame) -> Figure:
    """For each loader, the share of the examples that came once, never and more than once."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure()
    axes = figure.subplots()
    parts = (("once", BLUE), ("never", SKY), ("more than once", ORANGE))
    for place, loader in enumerate(LOADER.levels):
        never, more = (100 * _count(table, loader, name) / ROWS for name in ("never", "more"))
        if not np.isfinite(never + more):
            axes.text(1, place, "failed", va="center", color=BLACK)
            continue
        start = 0.0
        for share, (_, colour) in zip((100 - never - more, never, more), parts, strict=True):
            axes.barh(place, share, left=start, color=colour)
            start += share
        text = f"{100 - never - more:.4g} % once"
        axes.text(101, place, text, va="center", fontsize=16)
    axes.set_yticks(range(len(LOADER.levels)), [LOADER.say(level) for level in LOADER.levels])
    axes.invert_yaxis()
    axes.set_xlim(0, 122)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(f"share of the {ROWS:,} examples, %")
    axes.grid(visible=False, axis="y")
    keys = [Patch(color=colour, label=label) for label, colour in parts]
    axes.legend(handles=keys, loc="upper center", bbox_to_anchor=(0.4, -0.14), ncols=3)
    never = 100 * _count(table, WEIGHTED, "never") / ROWS
    wrong = _count(table, SHUFFLED, "otherwise")
    figure.suptitle(
        f"A shuffled epoch shows {wrong:,.0f} of {ROWS:,} examples other than once;\n"
        f"a weighted one leaves {never:.0f} % of them out (medians, "
        f"n = {table['block'].nunique()} seeds, CPU)",
        fontsize=20,
    )
    return figure


def _count(table: pd.DataFrame, loader: str, response: str) -> float:
    """The median over blocks, for one epoch; NaN where none was measured."""
    mine = table[(table["loader"] == loader) & (table["epochs"] == 1)]
    return float(mine[mine["response"] == response]["value"].median())


EXPERIMENT = Experiment(
    question="How often is every example seen in one epoch, and in three?",
    factors=(LOADER, EPOCHS),
    blocks=PerProfile(1, 8, 20),
    measure=measure,
    responses=(
        Response("otherwise", "examples", "number of examples that came other than once an epoch"),
        Response("never", "examples", "number of examples that never came"),
        Response("less", "examples", "number that came, and less often than once an epoch"),
        Response("more", "examples", "number that came more often than once an epoch"),
    ),
    claims=CLAIMS,
    figures=(examples_by_visits,),
)
