"""How much faster is a training step in 16 bits?

A perceptron, a CNN and a transformer take training steps in float32, with TF32, and with autocast
to bfloat16 and float16, with a scaler where document C has one. Its verdict takes a GPU; the CPU's
own bfloat16 units give the counterpart. The networks are small, so that a CPU takes about ten
milliseconds a step: see ``step_speed_large`` for those that fill a GPU. The CNN is left out of
float16, whose convolutions take a CPU a hundred times as long to train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.design import Arm, Block, PerProfile
from harness.experiment import Experiment
from harness.timing import AA
from studies.amp.models import CNN
from studies.amp.precision import FP16_SCALER, FP32
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
from studies.amp.workloads import SMALL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.experiment import Task


def prepare(block: Block) -> dict[str, Job]:
    """A network of each kind, with its batch."""
    return prepare_jobs(block, SMALL)


def task(jobs: dict[str, Job], arm: Arm) -> Task:
    """One training step."""
    return training_step(jobs[arm[NET]], arm[PRECISION])


def _needed(arm: Arm) -> bool:
    return arm[NET] != CNN or arm[PRECISION] != FP16_SCALER


def speed_of_steps(table: pd.DataFrame) -> Figure:
    """How many times as fast as float32 a training step is, by network."""
    return draw_steps(table, SMALL)


EXPERIMENT = Experiment(
    question="How much faster is a training step in 16 bits?",
    factors=(NET, PRECISION),
    only=_needed,
    blocks=PerProfile(2, 12, 20),
    rounds=PerProfile(5, 24, 48),
    prepare=prepare,
    task=task,
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=AA_WITHIN, at={"precision": FP32}),
    claims=CLAIMS,
    figures=(speed_of_steps,),
)
