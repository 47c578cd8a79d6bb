"""How much faster is a matrix product in 16 bits?

Square matrices are multiplied in float32, in float32 with TF32 allowed, in bfloat16 and in float16.
Document C speaks of tensor cores, and so does its verdict, which takes a GPU; a CPU's own units for
16 bits give the counterpart. These sizes suit a CPU: see ``matmul_large`` for those that fill a
GPU. Few CPUs have a unit for float16, and none in reach has one for TF32.
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

SIZE = Factor("size", (256, 512, 1024))


def prepare(block: Block) -> Matrices:
    """Two matrices of each size."""
    return draw_matrices(block, SIZE.levels)


def task(matrices: Matrices, arm: Arm) -> Task:
    """One product."""
    return product(matrices, arm[SIZE], arm)


def speed_of_products(table: pd.DataFrame) -> Figure:
    """How many times as fast as float32 each type is."""
    return draw_products(table, SIZE)


EXPERIMENT = Experiment(
    question="How much faster is a matrix product in 16 bits?",
    factors=(SIZE, PRECISION),
    blocks=PerProfile(2, 12, 20),
    rounds=PerProfile(5, 16, 40),
    prepare=prepare,
    task=task,
    aa=AA(within=AA_WITHIN, at={"precision": FP32}),
    claims=CLAIMS,
    figures=(speed_of_products,),
)
