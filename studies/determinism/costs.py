"""What a setting costs a training step: what ``step_cost`` and its large form share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import AA, Arm, Beyond, Block, Claim, Experiment, Factor, PerProfile, Ratio, between
from harness.figures import by_block, device_of, draw_blocks, measured_on, rounds_of, told
from harness.libraries import torch
from studies.determinism.settings import CUBLAS, DEFAULT, applied
from studies.determinism.workloads import train_step
from studies.determinism.workloads import workload as make_workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from harness import Task

TEN_TO_THIRTY_PER_CENT_SLOWER = between(1.1, 1.3)
#: Names of workloads that stand beside each other in large letters.
FEW = 6
#: Half of the way from 1 to the region.
AA_WITHIN = 0.05


class Job(NamedTuple):
    """A network and its batch, which all settings share."""

    net: nn.Module
    x: Tensor


@dataclass(frozen=True)
class Series:
    """One row of marks in a figure: a setting against another one.

    Attributes:
        setting: whose time is taken.
        against: over whose time it is.
        label: both in words.
        colour: of the marks.
    """

    setting: str
    against: str
    label: str
    colour: str


def setting_factor(settings: tuple[str, ...]) -> Factor[str]:
    """Some settings for determinism, with PyTorch's defaults as their control."""
    return Factor("setting", settings, control=DEFAULT)


def time_of_step(setting: Factor[str]) -> Ratio:
    """The time of a step with a setting over that of the same with another."""
    return Ratio("seconds", setting).by_round()


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


def costs_experiment(
    question: str,
    kinds: tuple[str, ...],
    settings: tuple[str, ...],
    *,
    claims: tuple[Claim | Beyond, ...],
    series: tuple[Series, ...],
    shown: str,
    rounds: PerProfile[int],
    needs: str = "cpu",
) -> Experiment[dict[str, Job]]:
    """The experiment with some workloads and settings.

    Args:
        question: what it asks.
        kinds: the workloads.
        settings: which are compared, PyTorch's defaults among them.
        claims: judged on the times of steps.
        series: what the figure shows; its title speaks of the first.
        shown: the workload that the title speaks of.
        rounds: how often the clock visits each arm.
        needs: the device it takes.
    """
    workload, setting = Factor("workload", kinds), setting_factor(settings)

    def prepare(block: Block) -> dict[str, Job]:
        return prepare_jobs(block, kinds)

    def task(jobs: dict[str, Job], arm: Arm) -> Task:
        return training_step(jobs[arm[workload]], arm[setting])

    def cost_of_determinism(table: pd.DataFrame) -> Figure:
        return draw_costs(table, workload, setting, series, shown)

    return Experiment(
        question=question,
        factors=(workload, setting),
        blocks=PerProfile(1, 12, 20),
        rounds=rounds,
        prepare=prepare,
        task=task,
        call="a training step",
        aa=AA(within=AA_WITHIN, at={"setting": DEFAULT}),
        claims=claims,
        figures=(cost_of_determinism,),
        needs=needs,
    )


def draw_costs(
    table: pd.DataFrame,
    workload: Factor[str],
    setting: Factor[str],
    series: tuple[Series, ...],
    shown: str,
) -> Figure:
    """How much longer a step takes with each setting, by workload."""
    from matplotlib.figure import Figure

    names, device = workload.levels, device_of(table)
    seconds = rounds_of(table, workload, setting)
    more = {
        (name, each.label): 100
        * by_block(seconds[name, each.setting] / seconds[name, each.against])
        - 100
        for name in names
        for each in series
    }
    figure = Figure()
    axes = figure.subplots()
    if device == "CUDA":  # the passage speaks of no other
        low, high = TEN_TO_THIRTY_PER_CENT_SLOWER.low, TEN_TO_THIRTY_PER_CENT_SLOWER.high
        band = (100 * low - 100, 100 * high - 100)
        axes.axhspan(*band, color="#E8E8E8", zorder=0, label="10 to 30 % slower")
    axes.axhline(0, color="black", linewidth=1)
    for place, name in enumerate(names):
        for number, each in enumerate(series):
            x = place + min(0.22, 0.7 / len(series)) * (number - (len(series) - 1) / 2)
            values = more[name, each.label]
            values = values[np.isfinite(values)]
            if len(values):
                draw_blocks(axes, x, values, colour=each.colour, width=0.07)
            else:
                axes.text(x, 0, "failed", color=each.colour, rotation=90, va="bottom", ha="center")
    axes.set_xlim(-0.5, len(names) - 0.5)
    for each in series:
        axes.plot([], [], "D", color=each.colour, label=each.label)
    figure.legend(loc="outside lower center", ncols=2, fontsize=16 if len(series) == 1 else 13)
    size = 18 if len(names) <= FEW else 13
    in_lines = [_two_lines(n) if len(names) <= FEW else n.replace(" ", "\n", 2) for n in names]
    axes.set_xticks(range(len(names)), in_lines, size=size)
    axes.set_ylabel("more time a step (%)")
    first = series[0]
    figure.suptitle(
        f"With {first.setting} a step of the {shown} takes\n"
        f"{told(more[shown, first.label])} % more time than with {first.against}"
    )
    blocks = table["block"].nunique()
    axes.set_title(
        f"{measured_on(table)}, {blocks} process{'es' if blocks > 1 else ''} (dots); "
        "diamonds: medians with 99 % intervals",
        loc="left",
        fontsize=14,
        color="#555555",
    )
    return figure


def _two_lines(name: str) -> str:
    """A name broken before what kind of net it is, or else at its first blank."""
    if name.endswith(" conv net"):
        return name.replace(" conv net", "\nconv net")
    return name.replace(" ", "\n", 1)
