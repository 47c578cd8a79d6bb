"""What does each bug do to the time that a training takes?

The signature table's last column. A small perceptron with dropout and batch norm is trained and
evaluated for two epochs by the one loop, correct and with each bug alone; half-way its first layer
is frozen. A call is the whole training, from a copy of the same weights, so that every bug has its
time to act and no call inherits anything from the one before. Leaked rows are rows: with them an
epoch has more steps. No claim is judged here; what freezing with a stale optimiser costs by itself,
with larger networks and zeros for gradients, is in ``frozen_cost.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import AA, Arm, Block, Experiment, Factor, PerProfile, Task
from harness.figures import (
    BLACK,
    BLUE,
    ORANGE,
    by_block,
    draw_blocks,
    measured_on,
    median_interval,
    rounds_of,
    span,
)
from harness.libraries import torch
from harness.workloads.loop import train
from studies.bugs.cases import (
    BUGS,
    CANCER,
    CASES,
    KINDS,
    NAMES,
    NONE,
    WINE,
    make_case,
    shortened,
    switches_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.workloads.tasks import TrainingTask

BUG = Factor("bug", KINDS, control=NONE, words=NAMES)
CASE = Factor("case", (WINE, CANCER))
#: Of the epochs of a case: it leaves one before the freezing and one after.
PERCENT = 1


def prepare(block: Block) -> dict[str, TrainingTask]:
    """The tasks, which training leaves as they were."""
    return {case: make_case(case, [block]) for case in CASE.levels}


def task(tasks: dict[str, TrainingTask], arm: Arm) -> Task:
    """Two epochs with the arm's bug, always with the same dropout."""
    setting, switches = shortened(CASES[arm[CASE]], PERCENT), switches_of(arm[BUG])

    def training() -> None:
        torch.manual_seed(0)
        train(tasks[arm[CASE]], setting, switches)

    return training


def time_of_a_training(table: pd.DataFrame) -> Figure:
    """The time with each bug over that of the correct training: every process and the median."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, BUG, CASE)
    figure = Figure()
    axes = figure.subplots()
    axes.axhline(1, color=BLACK, linewidth=1.5)
    differs: dict[str, list[float]] = {}
    for shift, case, colour in zip((-0.15, 0.15), CASE.levels, (BLUE, ORANGE), strict=True):
        for place, bug in enumerate(BUGS):
            ratio = by_block(rounds[bug, case] / rounds[NONE, case])
            interval = median_interval(ratio)
            if not interval.low <= 1 <= interval.high:
                differs.setdefault(NAMES[bug], []).append(interval.estimate)
            label = None if place else case
            draw_blocks(axes, place + shift, ratio, colour=colour, width=0.08, label=label)
    names = [NAMES[bug].replace(" ", "\n", 1) for bug in BUGS]
    axes.set_xticks(range(len(names)), names, fontsize=15)
    axes.set_ylabel("time of a training, correct = 1")
    axes.legend()
    axes.set_title(
        f"{_headline(differs)}\n(dots: {table['block'].nunique()} processes; 99 % intervals; "
        f"{measured_on(table)})",
        fontsize=19,
    )
    return figure


def _headline(differs: dict[str, list[float]]) -> str:
    """Names the bugs whose time is told from the correct training's, with their ratios."""
    if not differs:
        return "No bug takes longer or shorter than the correct training, as far as can be told"
    told = (f"{name} {span(ratios)}" for name, ratios in differs.items())
    return f"Time of a training, correct = 1: {'; '.join(told)};\nno other bug can be told apart"


EXPERIMENT = Experiment(
    question="What does each bug do to the time that a training takes?",
    factors=(BUG, CASE),
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(2, 8, 40),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.02, at={"bug": NONE}),
    prepare=prepare,
    task=task,
    figures=(time_of_a_training,),
    call="a training of two epochs",
)
