"""Training steps in micro-batches: what ``accumulation_speed`` and its large form share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    between,
)
from harness.figures import BLACK, BLUE, by_block, draw_blocks, measured_on, note, rounds_of, told
from studies.production_loop.workloads import Job, job

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness import Task

ROWS = 64
AT_ONCE, IN_EIGHT = "64 rows at once", "eight micro-batches of 8"
PARTS = Factor("parts", (AT_ONCE, IN_EIGHT), control=AT_ONCE)
SAME_SPEED = between(0.9, 1.1)


def time_of_step() -> Ratio:
    """The time of a step in micro-batches over that of one at once."""
    return Ratio("seconds", PARTS).by_round()


def micro_experiment(
    question: str,
    nets: tuple[str, ...],
    claims: tuple[Claim | Beyond, ...],
    needs: str = "cpu",
) -> Experiment[dict[str, Job]]:
    """The experiment on some networks.

    Args:
        question: what it asks.
        nets: of ``workloads``.
        claims: judged on the ratio of times.
        needs: the device it takes.
    """
    net = Factor("net", nets, label="network")

    def prepare(block: Block) -> dict[str, Job]:
        return {name: job(name, ROWS, block.device, block.seed) for name in nets}

    def task(jobs: dict[str, Job], arm: Arm) -> Task:
        made, parts = jobs[arm[net]], 8 if arm[PARTS] == IN_EIGHT else 1
        return lambda: made.step(parts)

    def time_in_micro_batches(table: pd.DataFrame) -> Figure:
        return draw(table, net)

    return Experiment(
        question=question,
        factors=(net, PARTS),
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 8, 24),
        prepare=prepare,
        task=task,
        call="a training step",
        imports=("torch._dynamo",),  # which every optimiser imports when it is made
        aa=AA(within=0.05, at={"parts": AT_ONCE}),
        claims=claims,
        figures=(time_in_micro_batches,),
        needs=needs,
    )


def draw(table: pd.DataFrame, net: Factor[str]) -> Figure:
    """The time of a step in micro-batches, network by network."""
    from matplotlib.figure import Figure

    seconds = rounds_of(table, net, PARTS)
    ratios = {
        name: by_block(seconds[name, IN_EIGHT] / seconds[name, AT_ONCE]) for name in net.levels
    }
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(SAME_SPEED.low, SAME_SPEED.high, color="#E8E8E8", zorder=0)
    axes.axhline(1, color=BLACK, linewidth=1)
    for place, name in enumerate(net.levels):
        draw_blocks(axes, place, ratios[name], colour=BLUE, width=0.15)
    axes.set_xticks(range(len(net.levels)), net.levels)
    axes.set_xlim(-0.5, len(net.levels) - 0.5)
    axes.set_ylabel("time of a step, at once = 1\n(grey: about the same, 0.9 to 1.1)")
    last = net.levels[-1]
    figure.suptitle(
        f"In eight micro-batches a step on 64 rows of the {last}\ntakes {told(ratios[last])} times "
        "as long as at once"
    )
    note(axes, measured_on(table), table["block"].nunique())
    return figure
