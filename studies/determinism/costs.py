"""What a setting costs a training step: what ``step_cost`` and its large form share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, between
from harness.figures import (
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    by_block,
    device_of,
    draw_blocks,
    rounds_of,
    span,
)
from harness.libraries import torch
from studies.determinism.settings import (
    ALGORITHMS,
    BENCHMARK,
    BOTH,
    CUBLAS,
    DEFAULT,
    DETERMINISTIC,
    SETTINGS,
    applied,
)
from studies.determinism.workloads import train_step
from studies.determinism.workloads import workload as make_workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from harness import Task

SETTING = Factor("setting", SETTINGS, control=DEFAULT)

TEN_TO_THIRTY_PER_CENT_SLOWER = between(1.1, 1.3)
#: Half of the way from 1 to the region.
AA_WITHIN = 0.05
COLOURS = {DETERMINISTIC: BLUE, BENCHMARK: ORANGE, BOTH: SKY, ALGORITHMS: GREEN}


def claims(convs: tuple[str, ...]) -> tuple[Claim, ...]:
    """The claim, for an experiment whose factor "workload" has some convolutional networks."""
    time = Ratio("seconds", SETTING).by_round()
    return (
        Claim(
            "C7.33",
            time.at(setting=DETERMINISTIC, workload=convs),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            reading="Deterministic mode is cudnn.deterministic, which is about convolutions, "
            "against PyTorch's defaults.",
            needs="cuda",
        ),
        Claim(
            "C7.33",
            time.against(BENCHMARK).at(setting=DETERMINISTIC, workload=convs),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            reading="The same against the auto-tuner, which document C names as what is lost.",
            needs="cuda",
        ),
        Claim(
            "C7.33",
            time.at(setting=ALGORITHMS),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            reading="Deterministic mode is torch.use_deterministic_algorithms(True), the setting "
            "that holds for all operations, against PyTorch's defaults.",
            needs="cuda",
        ),
    )


class Job(NamedTuple):
    """A network and its batch, which all settings share."""

    net: nn.Module
    x: Tensor


def prepare_jobs(block: Block, kinds: tuple[str, ...]) -> dict[str, Job]:
    """A network and a batch of each kind.

    cuBLAS is told first, before CUDA starts, what ``use_deterministic_algorithms`` asks for.
    """
    if block.device == "cuda":
        os.environ.update(CUBLAS)
    works = {kind: make_workload(kind) for kind in kinds}
    return {
        kind: Job(
            work.net.to(block.device), torch.randn(work.batch, *work.row, device=block.device)
        )
        for kind, work in works.items()
    }


def training_step(job: Job, setting: str) -> Task:
    """One training step with a setting."""

    def step() -> None:
        with applied(setting):
            train_step(job.net, job.x)

    return step


def draw_costs(table: pd.DataFrame, workload: Factor[str]) -> Figure:
    """How much longer a step takes with each setting, by workload."""
    from matplotlib.figure import Figure

    workloads, seconds = workload.levels, rounds_of(table, workload, SETTING)
    ratios = {arm: by_block(seconds[arm] / seconds[arm[0], DEFAULT]) for arm in seconds}
    figure = Figure()
    axes = figure.subplots()
    low, high = TEN_TO_THIRTY_PER_CENT_SLOWER.low, TEN_TO_THIRTY_PER_CENT_SLOWER.high
    axes.axhspan(
        100 * low - 100, 100 * high - 100, color="#E8E8E8", zorder=0, label="10 to 30 % slower"
    )
    axes.axhline(0, color="black", linewidth=1)
    for place, name in enumerate(workloads):
        for number, (setting, colour) in enumerate(COLOURS.items()):
            draw_blocks(
                axes,
                place + 0.2 * (number - 1.5),
                100 * ratios[name, setting] - 100,
                colour=colour,
                width=0.06,
                label=setting if place == 0 else None,
            )
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top + 0.25 * (top - bottom))
    axes.set_xlim(-0.5, len(workloads) - 0.5)
    axes.legend(loc="upper left", ncols=3)
    labels = [name.replace(" conv net", "\nconv net") for name in workloads]
    axes.set_xticks(range(len(workloads)), labels)
    axes.set_ylabel("more time a step (%)")
    strict = [100 * float(np.median(ratios[name, ALGORITHMS])) - 100 for name in workloads]
    axes.set_title(
        f"With deterministic algorithms a step takes {span(strict, '.0f')} % more "
        f"time\n({device_of(table)}, {table['block'].nunique()} processes, "
        "medians with 99 % intervals)",
        fontsize=20,
    )
    return figure


def costs_experiment(
    question: str, kinds: tuple[str, ...], convs: tuple[str, ...] | None = None, needs: str = "cpu"
) -> Experiment[dict[str, Job]]:
    """The experiment with some workloads.

    Args:
        question: what it asks.
        kinds: the workloads.
        convs: those of them that are convolutional networks; all by default.
        needs: the device it takes.
    """
    workload = Factor("workload", kinds)

    def prepare(block: Block) -> dict[str, Job]:
        return prepare_jobs(block, kinds)

    def task(jobs: dict[str, Job], arm: Arm) -> Task:
        return training_step(jobs[arm[workload]], arm[SETTING])

    def cost_of_determinism(table: pd.DataFrame) -> Figure:
        return draw_costs(table, workload)

    return Experiment(
        question=question,
        factors=(workload, SETTING),
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 32, 80),
        prepare=prepare,
        task=task,
        aa=AA(within=AA_WITHIN, at={"setting": DEFAULT}),
        claims=claims(convs or kinds),
        figures=(cost_of_determinism,),
        needs=needs,
    )
