"""How much faster is a large training step in 16 bits, on a GPU?

The steps of ``step_speed`` with networks and batches that fill a GPU, float16 convolutions
included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.design import Arm, Block, PerProfile
from harness.experiment import Experiment
from harness.timing import AA
from studies.amp.precision import FP32
from studies.amp.steps import (
    AA_WITHIN,
    CLAIMS,
    NET,
    PRECISION,
    Job,
    draw_steps,
    prepare_jobs,
    training_step,
)
from studies.amp.workloads import LARGE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.experiment import Task


def prepare(block: Block) -> dict[str, Job]:
    """A network of each kind, with its batch."""
    return prepare_jobs(block, LARGE)


def task(jobs: dict[str, Job], arm: Arm) -> Task:
    """One training step."""
    return training_step(jobs[arm[NET]], arm[PRECISION])


def speed_of_large_steps(table: pd.DataFrame) -> Figure:
    """How many times as fast as float32 a training step is, by network."""
    return draw_steps(table, LARGE)


EXPERIMENT = Experiment(
    question="How much faster is a large training step in 16 bits, on a GPU?",
    factors=(NET, PRECISION),
    blocks=PerProfile(2, 12, 20),
    rounds=PerProfile(5, 24, 48),
    prepare=prepare,
    task=task,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=AA_WITHIN, at={"precision": FP32}),
    claims=CLAIMS,
    figures=(speed_of_large_steps,),
    needs="cuda",
)
