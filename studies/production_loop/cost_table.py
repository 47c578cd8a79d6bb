"""The components' times beside a training step: rules, work and figures of ``costs``."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    Unmeasurable,
    at_most,
)
from harness.figures import BLACK, PALETTE, by_block, measured_on, note, rounds_of, told
from harness.libraries import nn, torch
from studies.production_loop.checkpoints import Counters, Trained, save
from studies.production_loop.workloads import Job, job

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness import Task

STEP, SAVE, CLIP, LOG = "a training step", "a checkpoint", "clipping", "a line in a log"
#: What is timed; how long a checkpoint takes is measured in ``checkpoint_share``.
WORK = Factor("work", (STEP, CLIP, LOG), control=STEP)
ROWS = 32
#: Steps of an epoch of the document's 10,000 examples in batches of 32.
EPOCH = 313
#: What is negligible, of a share of the time.
SHARE_OF_TIME = 0.02


class Jobs(NamedTuple):
    """A job for each network, and a folder that goes when they do."""

    jobs: Mapping[str, Job]
    folder: tempfile.TemporaryDirectory[str]


def time_of(work: str, *nets: str) -> Ratio:
    """The time of a component over that of a training step."""
    return Ratio("seconds", WORK).by_round().at(work=work, net=nets)


def cost_claims(nets: tuple[str, ...], headline: str) -> tuple[Claim, ...]:
    """What is judged on networks of a realistic size; one of them may stand for the claims."""
    return (
        Claim(
            "C7.43",
            time_of(CLIP, *nets),
            at_most(SHARE_OF_TIME),
            reading="Negligible: to clip the gradients once an update takes at most 2 % of the "
            "time of a training step.",
            headline={"net": headline},
        ),
    )


def cost_experiment(
    question: str,
    nets: tuple[str, ...],
    claims: tuple[Claim | Beyond | Unmeasurable, ...],
) -> Experiment[Jobs]:
    """The experiment on some networks.

    Args:
        question: what it asks.
        nets: of ``workloads``.
        claims: judged on the ratios of times.
    """
    net = Factor("net", nets, label="network")

    def prepare(block: Block) -> Jobs:
        jobs = {name: job(name, ROWS, block.device, block.seed) for name in nets}
        return Jobs(jobs, tempfile.TemporaryDirectory())

    def task(jobs: Jobs, arm: Arm) -> Task:
        return component(jobs.jobs[arm[net]], arm[WORK], Path(jobs.folder.name))

    def component_times(table: pd.DataFrame) -> Figure:
        return draw_components(table, net)

    return Experiment(
        question=question,
        factors=(net, WORK),
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 12, 24),
        prepare=prepare,
        task=task,
        call="a piece of work",
        imports=("torch._dynamo",),  # which every optimiser imports when it is made
        aa=AA(within=0.1, at={"work": STEP}),
        claims=claims,
        figures=(component_times,),
    )


def component(made: Job, work: str, folder: Path) -> Task:
    """A component's work, or a training step."""
    if work == STEP:
        return made.step
    if work == SAVE:
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(made.optimiser, T_max=10)
        return _saving(Trained(made.net, made.optimiser, scheduler), folder / "checkpoint.pt")
    if work == CLIP:
        return _clipping(made)
    return _logging(folder / "log.jsonl")


def _saving(trained: Trained, path: Path) -> Task:
    def write() -> None:
        save(path, trained, Counters(0, 0, 0.0))
        descriptor = os.open(path, os.O_RDWR)
        os.fsync(descriptor)
        os.close(descriptor)

    return write


def _clipping(made: Job) -> Task:
    made.backward(made.x, made.y)
    parameters = [p for p in made.net.parameters() if p.grad is not None]
    kept = [p.grad for p in parameters]

    def clip() -> None:
        for parameter, gradient in zip(parameters, kept, strict=True):
            parameter.grad = gradient  # a training step of another arm has taken it away
        nn.utils.clip_grad_norm_(parameters, 1.0)

    return clip


def _logging(path: Path) -> Task:
    line = {"train_loss": 0.123456, "val_loss": 0.234567, "val_acc": 0.9876, "lr": 1e-3}

    def log() -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    return log


def draw_components(table: pd.DataFrame, net: Factor[str]) -> Figure:
    """Each component's time in training steps, network by network."""
    from matplotlib.figure import Figure

    from harness.figures import draw_blocks

    seconds = rounds_of(table, net, WORK)
    figure = Figure()
    axes = figure.subplots()
    axes.set_yscale("log")
    works = (CLIP, LOG)
    for number, (name, colour) in enumerate(zip(net.levels, PALETTE, strict=False)):
        for place, work in enumerate(works):
            x = place + 0.2 * (number - (len(net.levels) - 1) / 2)
            ratio = 100 * by_block(seconds[name, work] / seconds[name, STEP])
            label = None if place else name
            draw_blocks(axes, x, ratio, colour=colour, width=0.06, label=label)
    axes.axhline(100 * SHARE_OF_TIME, color=BLACK, linestyle="--", linewidth=1.5)
    axes.text(len(works) - 0.55, 100 * SHARE_OF_TIME * 1.15, "2 %", ha="right")
    axes.set_xticks(range(len(works)), works)
    axes.set_xlim(-0.5, len(works) - 0.5)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("time of one (% of a training step)")
    axes.legend(loc="upper right", fontsize=14)
    first = net.levels[0]
    share = 100 * by_block(seconds[first, CLIP] / seconds[first, STEP])
    figure.suptitle(f"Clipping takes {told(share, '.1f', '%')} of a training step\nof the {first}")
    note(axes, measured_on(table), table["block"].nunique())
    return figure
