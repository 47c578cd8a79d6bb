"""Matrix products in each type: what ``matmul`` and ``matmul_large`` share."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, between
from harness.figures import by_block, device_of, draw_blocks, rounds_of, span
from harness.libraries import torch
from studies.amp.precision import BF16, COLOURS, FP16, FP32, TF32, float32_units, half_type

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness import Task

PRECISION = Factor("precision", (FP32, TF32, BF16, FP16), control=FP32)

#: A product in 16 bits takes between a quarter and a half of the time.
TWO_TO_FOUR_TIMES = between(1 / 4, 1 / 2)
#: Well within half of the way from 1 to the nearest edge of a region.
AA_WITHIN = 0.1

_TIME = Ratio("seconds", PRECISION).at(precision=(BF16, FP16)).by_round()

CLAIMS = (
    Claim(
        "C7.22",
        _TIME,
        TWO_TO_FOUR_TIMES,
        reading="32 bits are float32 without TF32: a product in 16 bits takes a quarter to a half "
        "of the time.",
        needs="cuda",
    ),
    Claim(
        "C7.22",
        _TIME.against(TF32),
        TWO_TO_FOUR_TIMES,
        reading="32 bits are float32 numbers that tensor cores multiply as TF32. A CPU has no "
        "TF32: there this is the same comparison again.",
        needs="cuda",
    ),
)

#: Two square matrices of float32 for each size.
Matrices: TypeAlias = "dict[int, tuple[Tensor, Tensor]]"


def draw_matrices(block: Block, sizes: tuple[int, ...]) -> Matrices:
    """The matrices that all arms of a block multiply."""
    return {
        size: (
            torch.randn(size, size, device=block.device),
            torch.randn(size, size, device=block.device),
        )
        for size in sizes
    }


def product(matrices: Matrices, size: int, arm: Arm) -> Task:
    """Products in the arm's type, into memory that is there already.

    Small ones come several at a time, so that setting the precision takes no part of the time.
    """
    level = arm[PRECISION]
    a, b = (matrix.to(half_type(level) or torch.float32) for matrix in matrices[size])
    out = torch.empty_like(a)
    times = max(1, (1024 // size) ** 2)

    def multiply() -> None:
        with float32_units(level):
            for _ in repeat(None, times):
                torch.mm(a, b, out=out)

    return multiply


def draw_products(table: pd.DataFrame, size: Factor[int]) -> Figure:
    """How many times as fast as float32 each type is, by the size of the matrices."""
    from matplotlib.figure import Figure

    levels, sizes = (TF32, BF16, FP16), size.levels
    seconds = rounds_of(table, size, PRECISION)
    speeds = {arm: by_block(seconds[arm[0], FP32] / seconds[arm]) for arm in seconds}
    figure = Figure()
    axes = figure.subplots()
    low, high = 1 / TWO_TO_FOUR_TIMES.high, 1 / TWO_TO_FOUR_TIMES.low
    axes.axhspan(low, high, color="#E8E8E8", zorder=0, label="2 to 4 times")
    axes.axhline(1, color=COLOURS[FP32], linewidth=1)
    for place, side in enumerate(sizes):
        for number, level in enumerate(levels):
            draw_blocks(
                axes,
                place + 0.25 * (number - 1),
                speeds[side, level],
                colour=COLOURS[level],
                width=0.07,
                label=level if place == 0 else None,
            )
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(top=1.5 * axes.get_ylim()[1])
    axes.set_xticks(range(len(sizes)), [f"{side} x {side}" for side in sizes])
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_ylabel("times as fast as float32")
    axes.legend(loc="upper left", ncols=4)
    spans = []
    for level in (BF16, FP16):
        medians = [float(np.median(speeds[side, level])) for side in sizes]
        spans.append(f"{level} {span(medians, '.1f')}")
    axes.set_title(
        f"Matrix products on the {device_of(table)}: {', '.join(spans)} times as fast as float32\n"
        f"({table['block'].nunique()} processes, medians with 99 % intervals)",
        fontsize=20,
    )
    return figure


def products_experiment(
    question: str, sizes: tuple[int, ...], needs: str = "cpu"
) -> Experiment[Matrices]:
    """The experiment with matrices of some sizes.

    Args:
        question: what it asks.
        sizes: rows and columns of the square matrices.
        needs: the device it takes.
    """
    size = Factor("size", sizes)

    def prepare(block: Block) -> Matrices:
        return draw_matrices(block, sizes)

    def task(matrices: Matrices, arm: Arm) -> Task:
        return product(matrices, arm[size], arm)

    def speed_of_products(table: pd.DataFrame) -> Figure:
        return draw_products(table, size)

    return Experiment(
        question=question,
        factors=(size, PRECISION),
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 12, 40),
        prepare=prepare,
        task=task,
        aa=AA(within=AA_WITHIN, at={"precision": FP32}),
        claims=CLAIMS,
        figures=(speed_of_products,),
        needs=needs,
    )
