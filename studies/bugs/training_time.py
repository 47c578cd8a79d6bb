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

import numpy as np

from harness.deferred import torch
from harness.design import Arm, Block, Factor, PerProfile
from harness.experiment import Experiment, Task
from harness.figures import BLACK, BLUE, ORANGE
from harness.marks import draw_blocks
from harness.times import by_block, rounds_of
from harness.timing import AA
from studies.bugs.cases import (
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
from studies.bugs.loop import train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from studies.bugs.tasks import TrainingTask

BUG = Factor("bug", KINDS, control=NONE)
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
    slowest = (1.0, NONE)
    for shift, case, colour in zip((-0.15, 0.15), CASE.levels, (BLUE, ORANGE), strict=True):
        for place, bug in enumerate(KINDS[1:]):
            ratio = by_block(rounds[bug, case] / rounds[NONE, case])
            slowest = max(slowest, (float(np.median(ratio)), bug))
            label = None if place else case
            draw_blocks(axes, place + shift, ratio, colour=colour, width=0.08, label=label)
    names = [NAMES[bug].replace(" ", "\n", 1) for bug in KINDS[1:]]
    axes.set_xticks(range(len(names)), names, fontsize=15)
    axes.set_ylabel("time of a training, correct = 1")
    axes.legend()
    axes.set_title(
        f"Of six bugs the slowest, {NAMES[slowest[1]]}, takes {slowest[0]:.2f} times as long\n"
        f"as the correct training ({table['block'].nunique()} processes, 99 % intervals)"
    )
    return figure


EXPERIMENT = Experiment(
    question="What does each bug do to the time that a training takes?",
    factors=(BUG, CASE),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(2, 20, 40),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.02, at={"bug": NONE}),
    prepare=prepare,
    task=task,
    figures=(time_of_a_training,),
)
