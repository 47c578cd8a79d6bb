"""How much of a plan of 1,000 epochs is trained when 1,000 is taken for the number of updates?

A loop at batch 32 stops at its 1,000th weight update, whatever epoch that is in. How far it has
come is counted in passes: the examples that went through it over those in the data set. A thousand
passes were meant. One data set has no more examples than a batch; there an update is an epoch, the
mistake costs nothing, and the comparison must see that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    at_most,
    equals,
)
from harness.figures import BLUE, ORANGE
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PLANNED, BATCH = 1_000, 32
ONE_BATCH, EXAMPLE = 32, 10_000
SIZES = (64, 100, 1_000, EXAMPLE, 50_000)
EXAMPLES = Factor(
    "examples",
    (ONE_BATCH, *SIZES),
    words={size: f"{size:,} examples" for size in (ONE_BATCH, *SIZES)},
)

CLAIMS = (
    Claim(
        "C0.01",
        Value("share").at(examples=SIZES).always(),
        at_most(0.5),
        reading="A fraction of the plan: the loop that stops after 1,000 updates has made at most "
        "half of the 1,000 passes that were meant, for data sets of two batches and more.",
        headline={"examples": EXAMPLE},
    ),
    Control(
        "where one batch is the whole data set nothing is lost",
        Value("share").at(examples=ONE_BATCH).always(),
        equals(1.0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Train to the 1,000th update."""
    run = Run(arm[EXAMPLES], BATCH, epochs=PLANNED)
    counted = train(run, most=PLANNED)
    passes = sum(counted.sizes) / run.examples
    return {
        "share": passes / PLANNED,
        "passes": passes,
        "updates": len(counted.updates),
    }


def passes_made(table: pd.DataFrame) -> Figure:
    """Passes through the data that 1,000 updates make, by the size of the data set."""
    from matplotlib.figure import Figure

    passes = table[table["response"] == "passes"].groupby("examples")["value"].median()
    figure = Figure()
    axes = figure.subplots()
    axes.axhline(PLANNED, color=ORANGE, ls="--")
    axes.text(EXAMPLES.levels[-1], 1.15 * PLANNED, "meant: 1,000 passes", ha="right")
    axes.plot(passes.index, passes, "o-", color=BLUE)
    for size, value in passes.items():
        if np.isfinite(value):
            axes.annotate(
                f"{value:,.0f}" if value >= 100 else f"{value:.2g}",
                (float(str(size)), value),
                (8, 10),
                textcoords="offset points",
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes = EXAMPLES.levels
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
    axes.minorticks_off()
    axes.set_yticks([1, 10, 100, 1_000], ["1", "10", "100", "1,000"])
    axes.set_xlabel("examples in the data set")
    axes.set_ylabel("passes through the data (epochs)")
    axes.set_ylim(0.4, 2_200)
    made = passes.get(EXAMPLE, float("nan"))
    told = f"{made:.1f}" if np.isfinite(made) else "an unknown number of"
    figure.suptitle(
        f"{PLANNED:,} updates of batch {BATCH} are {told} passes over {EXAMPLE:,} examples, not "
        f"{PLANNED:,}.\nA dot is a counted run of one size; CPU",
        fontsize=20,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="How much of a plan of 1,000 epochs do 1,000 weight updates train?",
    factors=(EXAMPLES,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("share", "1", "the share of the planned 1,000 passes that was trained"),
        Response("passes", "passes", "passes through the data set by the 1,000th update"),
        Response("updates", "updates", "weight updates that were made"),
    ),
    claims=CLAIMS,
    figures=(passes_made,),
)
