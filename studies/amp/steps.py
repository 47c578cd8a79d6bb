"""Training steps at each level of precision: what ``step_speed`` and its large form share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, between
from harness.figures import by_block, device_of, draw_blocks, rounds_of, span
from harness.libraries import torch
from studies.amp.models import NETS
from studies.amp.precision import BF16, BF16_SCALER, COLOURS, FP16_SCALER, FP32, TF32, make_step
from studies.amp.workloads import Size, Workload, workload

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

    from harness import Task

NET = Factor("net", NETS)
PRECISION = Factor("precision", (FP32, TF32, BF16, BF16_SCALER, FP16_SCALER), control=FP32)

#: From 50 to 100 % more steps in the same time.
HALF_AS_FAST_AGAIN_TO_TWICE = between(1 / 2, 1 / 1.5)
#: Twice as fast, give or take a fifth.
TWICE = between(1 / 2.4, 1 / 1.6)
#: Well within half of the way from 1 to the nearest edge of a region.
AA_WITHIN = 0.1

_TIME = Ratio("seconds", PRECISION).by_round()

CLAIMS = (
    Claim(
        "C7.41",
        _TIME.at(precision=BF16),
        HALF_AS_FAST_AGAIN_TO_TWICE,
        reading="A training step with autocast to bfloat16, against float32 without TF32.",
        needs="cuda",
    ),
    Claim(
        "C9.09",
        _TIME.at(precision=BF16_SCALER),
        TWICE,
        reading="Twice as fast, give or take a fifth: autocast to bfloat16 with the scaler, "
        "against float32 without TF32.",
        needs="cuda",
    ),
)


class Job(NamedTuple):
    """A network with its batch and optimiser, which all levels of precision share."""

    work: Workload
    optimiser: torch.optim.Optimizer
    device: str


def prepare_jobs(block: Block, size: Size) -> dict[str, Job]:
    """A network of each kind; its rate is so small that the work stays the same."""
    works = {net: workload(net, size, block.device, block.seed) for net in NETS}
    return {
        net: Job(work, torch.optim.SGD(work.net.parameters(), lr=1e-6), block.device)
        for net, work in works.items()
    }


def training_step(job: Job, level: str) -> Task:
    """A step of SGD at a level of precision."""
    return make_step(job.work.net, job.optimiser, job.work.loss, level, job.device)


def draw_steps(table: pd.DataFrame, size: Size) -> Figure:
    """How many times as fast as float32 a step is, by network, with float32's samples a second."""
    from matplotlib.figure import Figure

    levels = PRECISION.levels[1:]
    seconds = rounds_of(table, NET, PRECISION)
    speeds = {arm: by_block(seconds[arm[0], FP32] / seconds[arm]) for arm in seconds}
    figure = Figure()
    axes = figure.subplots()
    low, high = 1 / HALF_AS_FAST_AGAIN_TO_TWICE.high, 1 / HALF_AS_FAST_AGAIN_TO_TWICE.low
    axes.axhspan(low, high, color="#E8E8E8", zorder=0, label="50 to 100 % faster")
    axes.axhline(1, color=COLOURS[FP32], linewidth=1)
    for place, net in enumerate(NETS):
        there = [level for level in levels if (net, level) in speeds]
        for number, level in enumerate(there):
            draw_blocks(
                axes,
                place + 0.2 * (number - (len(there) - 1) / 2),
                speeds[net, level],
                colour=COLOURS[level],
                width=0.06,
            )
    for level in levels:
        axes.plot([], [], "D", color=COLOURS[level], label=level)
    axes.set_ylim(0, 1.15 * max(high, axes.get_ylim()[1]))
    axes.legend(loc="upper left", ncols=5, fontsize=15)
    rates = {net: size.batch[net] / seconds[net, FP32].median() for net in NETS}
    axes.set_xticks(range(3), [f"{net}\n(fp32: {rates[net]:,.0f} samples/s)" for net in NETS])
    axes.set_xlim(-0.55, 2.55)
    axes.set_ylabel("times as fast as fp32")
    medians = [float(np.median(speeds[net, BF16])) for net in NETS]
    axes.set_title(
        f"Training steps in bf16 are {span(medians, '.1f')} times as fast as in "
        f"float32\n({device_of(table)}, {table['block'].nunique()} processes, medians with 99 % "
        "intervals)",
        fontsize=20,
    )
    return figure


def steps_experiment(
    question: str, size: Size, only: Callable[[Arm], bool] | None = None, needs: str = "cpu"
) -> Experiment[dict[str, Job]]:
    """The experiment with networks and batches of a size.

    Args:
        question: what it asks.
        size: of networks and batches.
        only: which arms are needed; all by default.
        needs: the device it takes.
    """

    def prepare(block: Block) -> dict[str, Job]:
        return prepare_jobs(block, size)

    def task(jobs: dict[str, Job], arm: Arm) -> Task:
        return training_step(jobs[arm[NET]], arm[PRECISION])

    def speed_of_steps(table: pd.DataFrame) -> Figure:
        return draw_steps(table, size)

    return Experiment(
        question=question,
        factors=(NET, PRECISION),
        only=only,
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 16, 48),
        prepare=prepare,
        task=task,
        imports=("torch._dynamo",),  # which every optimiser imports when it is made
        aa=AA(within=AA_WITHIN, at={"precision": FP32}),
        claims=CLAIMS,
        figures=(speed_of_steps,),
        needs=needs,
    )
