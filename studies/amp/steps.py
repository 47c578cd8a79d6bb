"""Training steps at each level of precision: what ``step_speed`` and its large form share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    AA,
    Alone,
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
from harness.figures import by_block, device_of, draw_blocks, measured_on, note, rounds_of, told
from harness.libraries import torch
from studies.amp.models import NETS, TRANSFORMER
from studies.amp.precision import BF16, COLOURS, SHIPPED, make_step
from studies.amp.workloads import Size, Workload, workload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness import Task

NET = Factor("net", NETS)

#: From 50 to 100 % more steps in the same time.
HALF_AS_FAST_AGAIN_TO_TWICE = between(1 / 2, 1 / 1.5)
#: Twice as fast, give or take a fifth.
TWICE = between(1 / 2.4, 1 / 1.6)
#: Well within half of the way from 1 to the nearest edge of a region.
AA_WITHIN = 0.1


class Job(NamedTuple):
    """A network with its batch and optimiser, which all levels of precision share."""

    work: Workload
    optimiser: torch.optim.Optimizer
    device: str


#: A job for each kind of network and each share of the full width.
Jobs = dict[tuple[str, float], Job]


def width_factor(sizes: Mapping[float, Size]) -> Factor[float]:
    """How wide the networks are, against the widest of their kind; one width goes unsaid."""
    widths = tuple(sizes)
    words = {1.0: "full width"} | {w: f"{w:g} of the width" for w in widths if w != 1}
    if len(widths) == 1:
        words = dict.fromkeys(widths, "")
    return Factor("width", widths, label="share of the full width", words=words)


def prepare_jobs(block: Block, sizes: Mapping[float, Size]) -> Jobs:
    """A network of each kind and size; its rate is so small that the work stays the same."""
    works = {
        (net, width): workload(net, size, block.device, block.seed)
        for net in NETS
        for width, size in sizes.items()
    }
    return {
        key: Job(work, torch.optim.SGD(work.net.parameters(), lr=1e-6), block.device)
        for key, work in works.items()
    }


def training_step(job: Job, level: str) -> Task:
    """A step of SGD at a level of precision."""
    return make_step(job.work.net, job.optimiser, job.work.loss, level, job.device)


def time_of_step(precision: Factor[str]) -> Ratio:
    """The time of a step over that of the same in float32 as PyTorch ships it."""
    return Ratio("seconds", precision).by_round()


def steps_experiment(
    question: str,
    sizes: Mapping[float, Size],
    precision: Factor[str],
    *,
    claims: tuple[Claim | Beyond, ...],
    only: Callable[[Arm], bool] | None = None,
    needs: str = "cpu",
    alone: Alone | None = None,
) -> Experiment[Jobs]:
    """The experiment with networks and batches of some sizes.

    Args:
        question: what it asks.
        sizes: of networks and batches, by the share of the full width.
        precision: the levels of precision, float32 as shipped among them.
        claims: judged on the times of steps.
        only: which arms are needed; all by default.
        needs: the device it takes.
        alone: what runs alone as well.
    """
    width = width_factor(sizes)

    def prepare(block: Block) -> Jobs:
        return prepare_jobs(block, sizes)

    def task(jobs: Jobs, arm: Arm) -> Task:
        return training_step(jobs[arm[NET], arm[width]], arm[precision])

    def speed_of_steps(table: pd.DataFrame) -> Figure:
        return draw_steps(table, width, precision)

    return Experiment(
        question=question,
        factors=(NET, width, precision),
        only=only,
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 16, 48),
        prepare=prepare,
        task=task,
        call="a training step",
        imports=("torch._dynamo",),  # which every optimiser imports when it is made
        aa=AA(within=AA_WITHIN, at={"precision": SHIPPED, "width": width.levels[-1]}),
        alone=alone,
        claims=claims,
        figures=(speed_of_steps,),
        needs=needs,
    )


def draw_steps(table: pd.DataFrame, width: Factor[float], precision: Factor[str]) -> Figure:
    """How many times as fast as float32 a step is, network by network."""
    from matplotlib.figure import Figure

    seconds = rounds_of(table, NET, width, precision)
    speeds = {arm: by_block(seconds[*arm[:2], SHIPPED] / seconds[arm]) for arm in seconds}
    device = device_of(table)
    figure = Figure()
    panels = figure.subplots(1, len(NETS), sharey=True)
    levels = [level for level in precision.levels if level != SHIPPED]
    for axes, net in zip(panels, NETS, strict=True):
        if device == "CUDA":  # the passage speaks of no other
            low, high = 1 / HALF_AS_FAST_AGAIN_TO_TWICE.high, 1 / HALF_AS_FAST_AGAIN_TO_TWICE.low
            axes.axhspan(low, high, color="#E8E8E8", zorder=0)
        axes.axhline(1, color=COLOURS[SHIPPED], linewidth=1)
        for place, share in enumerate(width.levels):
            there = [level for level in levels if (net, share, level) in speeds]
            for number, level in enumerate(there):
                x = place + 0.16 * (number - (len(there) - 1) / 2)
                draw_blocks(axes, x, speeds[net, share, level], colour=COLOURS[level], width=0.05)
        _label_panel(axes, net, width)
    panels[0].set_ylabel("times as fast as float32")
    for level in levels:
        panels[0].plot([], [], "D", color=COLOURS[level], label=precision.say(level))
    if device == "CUDA":
        panels[0].fill_between([], [], color="#E8E8E8", label="50 to 100 % faster")
    figure.legend(loc="outside lower center", ncols=3)
    shown = speeds[TRANSFORMER, width.levels[-1], BF16]
    figure.suptitle(
        f"In bfloat16 the {TRANSFORMER} takes {told(shown)} times as many\n"
        "training steps a second as in float32"
    )
    note(panels[0], measured_on(table), table["block"].nunique())
    return figure


def _label_panel(axes: Axes, net: str, width: Factor[float]) -> None:
    axes.set_xlim(-0.5, len(width.levels) - 0.5)
    if len(width.levels) == 1:
        axes.set_ylim(bottom=0)
        axes.set_xticks((0,), (net,))
    else:
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xticks(range(len(width.levels)), [f"{share:g}" for share in width.levels])
        axes.set_xlabel(f"{net}:\n{width.title}")
