"""Products in each type: what ``matmul``, ``matmul_large`` and ``convolution_large`` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness import AA, Alone, Beyond, Claim, Experiment, Factor, PerProfile, Ratio, between
from harness.figures import (
    BLACK,
    by_block,
    device_of,
    draw_blocks,
    measured_on,
    note,
    rounds_of,
    told,
)
from harness.libraries import torch
from studies.amp.precision import BF16, COLOURS, FP16, FP32, float32_units, half_type

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness import Arm, Block, Task

#: A product in 16 bits takes between a quarter and a half of the time.
TWO_TO_FOUR_TIMES = between(1 / 4, 1 / 2)
#: Well within half of the way from 1 to the nearest edge of a region.
AA_WITHIN = 0.1

READING = (
    "32 bits are float32 as PyTorch ships it, which keeps TF32 out of matrix products and lets it "
    "into convolutions. At sizes that keep a GPU computing, a product in 16 bits takes a quarter "
    "to a half of the time."
)

#: Two tensors of float32 for each size.
Operands: TypeAlias = "dict[int, tuple[Tensor, Tensor]]"


@dataclass(frozen=True)
class Products:
    """Which products are timed.

    Attributes:
        size: the factor of sizes, rising.
        levels: of precision, the one as shipped first.
        operands: makes the two tensors of a size, on a block's device.
        multiplication: from two tensors to the call that multiplies them.
        several: how many products of a size a call takes, so that small ones fill a call.
        what: a product in words: "a matrix product".
    """

    size: Factor[int]
    levels: tuple[str, ...]
    operands: Callable[[int, str], tuple[Tensor, Tensor]]
    multiplication: Callable[[Tensor, Tensor], Task]
    several: Callable[[int], int]
    what: str

    @property
    def precision(self) -> Factor[str]:
        """The factor of precision; 32 bits as shipped are its control."""
        shipped = self.levels[0]
        words = (
            {} if shipped == FP32 else {shipped: f"{shipped} as shipped", FP32: "strict float32"}
        )
        return Factor("precision", self.levels, control=shipped, words=words)

    def time(self) -> Ratio:
        """The time of a product in 16 bits over that of the same in 32 bits as shipped."""
        return Ratio("seconds", self.precision).at(precision=(BF16, FP16)).by_round()

    def draw_operands(self, block: Block) -> Operands:
        """The tensors that all arms of a block multiply."""
        return {size: self.operands(size, block.device) for size in self.size.levels}

    def task(self, operands: Operands, arm: Arm) -> Task:
        """Products in the arm's type; small ones several at a time."""
        level = arm[self.precision]
        half = half_type(level) or torch.float32
        a, b = (operand.to(half) for operand in operands[arm[self.size]])
        multiply, times = self.multiplication(a, b), self.several(arm[self.size])

        def products() -> None:
            with float32_units(level):
                for _ in range(times):
                    multiply()

        return products


def square_matrices(size: int, device: str) -> tuple[Tensor, Tensor]:
    """Two square matrices."""
    return torch.randn(size, size, device=device), torch.randn(size, size, device=device)


def matrix_product(a: Tensor, b: Tensor) -> Task:
    """Their product, into memory that is there already."""
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)


def products_experiment(
    question: str,
    products: Products,
    *,
    claims: tuple[Claim | Beyond, ...],
    shown: int,
    needs: str = "cpu",
    alone: Alone | None = None,
) -> Experiment[Operands]:
    """The experiment with products of some sizes.

    Args:
        question: what it asks.
        products: which are timed.
        claims: judged on their times.
        shown: the size that the figure's title speaks of.
        needs: the device it takes.
        alone: what runs alone as well.
    """

    def speed_of_products(table: pd.DataFrame) -> Figure:
        return draw_products(table, products, shown)

    return Experiment(
        question=question,
        factors=(products.size, products.precision),
        blocks=PerProfile(1, 12, 20),
        rounds=PerProfile(2, 12, 40),
        prepare=products.draw_operands,
        task=products.task,
        call=products.what,
        aa=AA(within=AA_WITHIN, at={"precision": products.levels[0]}),
        alone=alone,
        claims=claims,
        figures=(speed_of_products,),
        needs=needs,
    )


def draw_products(table: pd.DataFrame, products: Products, shown: int) -> Figure:
    """How many times as fast as 32 bits as shipped each type is, by size."""
    from matplotlib.figure import Figure

    shipped, *levels = products.levels
    baseline = products.precision.say(shipped)
    sizes, device = products.size.levels, device_of(table)
    seconds = rounds_of(table, products.size, products.precision)
    speeds = {arm: by_block(seconds[arm[0], shipped] / seconds[arm]) for arm in seconds}
    figure = Figure()
    axes = figure.subplots()
    if device == "CUDA":  # the passage speaks of no other
        low, high = 1 / TWO_TO_FOUR_TIMES.high, 1 / TWO_TO_FOUR_TIMES.low
        axes.axhspan(low, high, color="#E8E8E8", zorder=0, label="2 to 4 times")
    axes.axhline(1, color=BLACK, linewidth=1)
    for place, side in enumerate(sizes):
        for number, level in enumerate(levels):
            draw_blocks(
                axes,
                place + 0.25 * (number - (len(levels) - 1) / 2),
                speeds[side, level],
                colour=COLOURS[level],
                width=0.07,
            )
    for level in levels:
        axes.plot([], [], "D", color=COLOURS[level], label=products.precision.say(level))
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(range(len(sizes)), [f"{side:,}" for side in sizes])
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_xlabel(products.size.title)
    axes.set_ylabel(f"times as fast as {baseline}")
    figure.legend(loc="outside lower center", ncols=len(levels) + 1)
    figure.suptitle(
        f"With {shown:,} {products.size.title}, {products.what} in bfloat16\n"
        f"is {told(speeds[shown, BF16])} times as fast as in {baseline}",
        fontsize=22,
    )
    note(axes, measured_on(table), table["block"].nunique())
    return figure
