"""How much faster is a large matrix product in 16 bits, on a GPU?

The products of ``matmul`` at sizes that fill a GPU, and would take a CPU minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.design import Arm, Block, Factor, PerProfile
from harness.experiment import Experiment
from harness.timing import AA
from studies.amp.precision import FP32
from studies.amp.products import (
    AA_WITHIN,
    CLAIMS,
    PRECISION,
    Matrices,
    draw_matrices,
    draw_products,
    product,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.experiment import Task

SIZE = Factor("size", (2048, 4096, 8192))


def prepare(block: Block) -> Matrices:
    """Two matrices of each size."""
    return draw_matrices(block, SIZE.levels)


def task(matrices: Matrices, arm: Arm) -> Task:
    """One product."""
    return product(matrices, arm[SIZE], arm)


def speed_of_large_products(table: pd.DataFrame) -> Figure:
    """How many times as fast as float32 each type is."""
    return draw_products(table, SIZE)


EXPERIMENT = Experiment(
    question="How much faster is a large matrix product in 16 bits, on a GPU?",
    factors=(SIZE, PRECISION),
    blocks=PerProfile(2, 12, 20),
    rounds=PerProfile(5, 16, 40),
    prepare=prepare,
    task=task,
    aa=AA(within=AA_WITHIN, at={"precision": FP32}),
    claims=CLAIMS,
    figures=(speed_of_large_products,),
    needs="cuda",
)
