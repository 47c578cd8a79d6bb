"""What does determinism cost a training step?

Conv nets of three sizes, an attention layer and sums by ``index_add`` take training steps with
PyTorch's defaults, with ``cudnn.deterministic``, with the auto-tuner of ``cudnn.benchmark``, with
both, and with ``use_deterministic_algorithms``. Document C's figure is about cuDNN on a GPU. On a
CPU the settings of cuDNN do nothing, so that these arms should cost nothing; the last setting does
act there: new memory is filled with numbers that stand out, and some sums are done in another way.
These networks suit a CPU: see ``step_cost_large`` for those that fill a GPU.
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
from studies.determinism.workloads import CONVS, WORKLOADS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.experiment import Task

WORKLOAD = Factor("workload", WORKLOADS)


def prepare(block: Block) -> dict[str, Job]:
    """A network and a batch for each workload."""
    return prepare_jobs(block, WORKLOADS)


def task(jobs: dict[str, Job], arm: Arm) -> Task:
    """One training step."""
    return training_step(jobs[arm[WORKLOAD]], arm[SETTING])


def cost_of_determinism(table: pd.DataFrame) -> Figure:
    """How much longer a step takes with each setting, by workload."""
    return draw_costs(table, WORKLOAD)


EXPERIMENT = Experiment(
    question="What does determinism cost a training step?",
    factors=(WORKLOAD, SETTING),
    blocks=PerProfile(3, 12, 20),
    rounds=PerProfile(5, 40, 80),
    prepare=prepare,
    task=task,
    aa=AA(within=AA_WITHIN, at={"setting": DEFAULT}),
    claims=claims(CONVS),
    figures=(cost_of_determinism,),
)
