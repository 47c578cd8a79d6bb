"""What does determinism cost a large training step, on a GPU?

The steps of ``step_cost`` with conv nets that fill a GPU, as document C's figure has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.design import Arm, Block, Factor, PerProfile
from harness.experiment import Experiment
from harness.timing import AA
from studies.determinism.costs import (
    AA_WITHIN,
    SETTING,
    Job,
    claims,
    draw_costs,
    prepare_jobs,
    training_step,
)
from studies.determinism.settings import DEFAULT
from studies.determinism.workloads import GPU_CONVS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.experiment import Task

WORKLOAD = Factor("workload", GPU_CONVS)


def prepare(block: Block) -> dict[str, Job]:
    """A network and a batch for each workload."""
    return prepare_jobs(block, GPU_CONVS)


def task(jobs: dict[str, Job], arm: Arm) -> Task:
    """One training step."""
    return training_step(jobs[arm[WORKLOAD]], arm[SETTING])


def cost_of_determinism_in_large_steps(table: pd.DataFrame) -> Figure:
    """How much longer a step takes with each setting, by workload."""
    return draw_costs(table, WORKLOAD)


EXPERIMENT = Experiment(
    question="What does determinism cost a large training step, on a GPU?",
    factors=(WORKLOAD, SETTING),
    blocks=PerProfile(3, 12, 20),
    rounds=PerProfile(5, 40, 80),
    prepare=prepare,
    task=task,
    aa=AA(within=AA_WITHIN, at={"setting": DEFAULT}),
    claims=claims(GPU_CONVS),
    needs="cuda",
    figures=(cost_of_determinism_in_large_steps,),
)
