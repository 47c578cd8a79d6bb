"""Does a step in eight micro-batches take as long as one on the whole batch?

A training step of Adam on 64 rows, at once and in eight micro-batches of eight, over the same rows,
in float32 as PyTorch ships it. The passage speaks of a GPU, which is where the claim is judged,
with networks that keep it busy; a CPU runs the same code with networks of its own size beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    AA,
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    between,
)
from harness.figures import BLACK, BLUE, by_block, draw_blocks, measured_on, note, rounds_of, told
from studies.production_loop.workloads import REALISTIC, TRANSFORMER, Job, job

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness import Task

ROWS = 64
AT_ONCE, IN_EIGHT = "64 rows at once", "eight micro-batches of 8"
PARTS = Factor("parts", (AT_ONCE, IN_EIGHT), control=AT_ONCE)
SAME_SPEED = between(0.9, 1.1)


NET = Factor("net", REALISTIC, label="network")

CLAIMS = (
    Claim(
        "C7.40",
        Ratio("seconds", PARTS).by_round(),
        SAME_SPEED,
        reading="About the same speed: a training step on 64 rows in eight micro-batches takes as "
        "long as one at once, by a tenth more or less.",
        needs="cuda",
        headline={"net": TRANSFORMER},
    ),
)


def prepare(block: Block) -> dict[str, Job]:
    """A network of each kind, with 64 rows."""
    return {name: job(name, ROWS, block.device, block.seed) for name in REALISTIC}


def task(jobs: dict[str, Job], arm: Arm) -> Task:
    """A training step."""
    made, parts = jobs[arm[NET]], 8 if arm[PARTS] == IN_EIGHT else 1
    return lambda: made.step(parts)


def time_in_micro_batches(table: pd.DataFrame) -> Figure:
    """The time of a step in micro-batches, network by network."""
    from matplotlib.figure import Figure

    seconds = rounds_of(table, NET, PARTS)
    ratios = {
        name: by_block(seconds[name, IN_EIGHT] / seconds[name, AT_ONCE]) for name in REALISTIC
    }
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(SAME_SPEED.low, SAME_SPEED.high, color="#E8E8E8", zorder=0)
    axes.axhline(1, color=BLACK, linewidth=1)
    for place, name in enumerate(REALISTIC):
        draw_blocks(axes, place, ratios[name], colour=BLUE, width=0.15)
    axes.set_xticks(range(len(REALISTIC)), REALISTIC)
    axes.set_xlim(-0.5, len(REALISTIC) - 0.5)
    axes.set_ylabel("time of a step, at once = 1\n(grey: about the same, 0.9 to 1.1)")
    last = TRANSFORMER
    figure.suptitle(
        f"In eight micro-batches a step on 64 rows of the {last}\ntakes {told(ratios[last])} times "
        "as long as at once"
    )
    note(axes, measured_on(table), table["block"].nunique())
    return figure


EXPERIMENT = Experiment(
    question="Does a step in eight micro-batches take as long as one on the whole batch?",
    factors=(NET, PARTS),
    blocks=PerProfile(1, 12, 20),
    rounds=PerProfile(2, 8, 24),
    prepare=prepare,
    task=task,
    call="a training step",
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.05, at={"parts": AT_ONCE}),
    claims=CLAIMS,
    figures=(time_in_micro_batches,),
)
