"""Is a training step with DropConnect much dearer than one with dropout?

A fully connected layer as wide as its input, with ReLU, and a read-out of ten classes take a
training step with AdamW. Dropout draws a number for every unit of every row; DropConnect draws one
for every weight, makes a masked copy of them, and masks their gradient. How much that adds hangs on
how much else there is to do: on the rows of a batch, which share one mask, and on the width.

The passage names neither. Dear is a step that takes half as long again as with dropout, at widths
from 1,024 with batches of 64, as a CPU can still time them; ``mask_cost_large`` has the wider
layers, on a GPU. A narrow layer, and a batch of 512, whose arithmetic hides the mask, stand beside.
The mask is drawn as the text says, one for each forward pass, straight from PyTorch's generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    at_least,
)
from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    by_block,
    draw_blocks,
    measured_on,
    note,
    rounds_of,
    told,
)
from harness.libraries import functional, nn, torch
from harness.workloads import regularisers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

CLASSES, DROP = 10, 0.5
DROPOUT, DROPCONNECT, NEITHER = "dropout", "DropConnect", "neither"
LAYER = Factor("layer", (DROPOUT, DROPCONNECT, NEITHER), control=DROPOUT)
NARROW, WIDE = 256, (1024, 2048)
FEW, MANY = 64, 512
BATCH = Factor("batch", (FEW, MANY), words={FEW: "batch 64", MANY: "batch 512"})
DEAR = 1.5
MARGIN = 0.05  # of the A/A: well below half of the distance between 1 and the claim's edge
READING = (
    "Expensive: a training step with DropConnect takes at least half as long again as with "
    "dropout, on a fully connected layer 1,024 wide or wider and batches of 64."
)


class Cell(NamedTuple):
    """Batches by width and rows, and where networks go."""

    batches: dict[tuple[int, int], tuple[Tensor, Tensor]]
    device: str


def network(layer: str, width: int) -> nn.Module:
    """A hidden layer as wide as its input, regularised, and a read-out."""
    if layer == DROPCONNECT:
        return nn.Sequential(
            regularisers.DropConnect(width, width, DROP), nn.ReLU(), nn.Linear(width, CLASSES)
        )
    between = [nn.Dropout(DROP)] if layer == DROPOUT else []
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), *between, nn.Linear(width, CLASSES))


def width_factor(widths: Sequence[int]) -> Factor[int]:
    """The widths of an experiment."""
    return Factor("width", tuple(widths), label="width")


def masks_experiment(
    question: str,
    widths: Factor[int],
    claims: tuple[Claim | Beyond, ...],
    *,
    many: int,
    needs: str = "cpu",
) -> Experiment[Cell]:
    """Training steps of layers of some widths.

    Args:
        question: what is asked.
        widths: of the layer.
        claims: what is judged.
        many: the width at which a larger batch is timed as well.
        needs: see ``Experiment``.
    """

    def prepare(block: Block) -> Cell:
        sizes = [(width, FEW) for width in widths.levels] + [(many, MANY)]
        return Cell({size: _batch(size, block.device) for size in sizes}, block.device)

    def task(cell: Cell, arm: Arm) -> Task:
        net = network(arm[LAYER], arm[widths]).to(cell.device)
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
        x, y = cell.batches[arm[widths], arm[BATCH]]

        def step() -> None:
            optimiser.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimiser.step()

        return step

    def needed(arm: Arm) -> bool:
        return arm[BATCH] == FEW or (arm[widths] == many and arm[LAYER] != NEITHER)

    return Experiment(
        question=question,
        factors=(LAYER, widths, BATCH),
        only=needed,
        blocks=PerProfile(1, 12, 12),
        rounds=PerProfile(2, 8, 40),
        imports=("torch._dynamo",),  # which every optimiser imports when it is made
        aa=AA(within=MARGIN, at={"layer": DROPOUT, "batch": FEW}),
        prepare=prepare,
        task=task,
        claims=claims,
        call="a training step",
        figures=(figure_of(widths),),
        needs=needs,
    )


def _batch(size: tuple[int, int], device: str) -> tuple[Tensor, Tensor]:
    width, rows = size
    x = torch.randn(rows, width, device=device)
    return x, torch.randint(CLASSES, (rows,), device=device)


def time_over_dropout() -> Ratio:
    """The time of a training step with DropConnect over that with dropout."""
    return Ratio("seconds", LAYER).at(layer=DROPCONNECT).by_round()


def figure_of(widths: Factor[int]) -> Callable[[pd.DataFrame], Figure]:
    """The figure of an experiment with these widths."""

    def cost_by_width(table: pd.DataFrame) -> Figure:
        """The times of steps with DropConnect and with neither, by width, those of dropout = 1."""
        from matplotlib.figure import Figure

        rounds = rounds_of(table[table["status"] != "disturbed"], LAYER, widths, BATCH)
        figure = Figure()
        axes = figure.subplots()
        places = [(width, FEW) for width in widths.levels]
        places += sorted({(arm[1], MANY) for arm in rounds if arm[2] == MANY})
        for layer, colour, shift in ((DROPCONNECT, ORANGE, -0.12), (NEITHER, BLUE, 0.12)):
            for place, (width, rows) in enumerate(places):
                if (layer, width, rows) in rounds:
                    ratio = rounds[layer, width, rows] / rounds[DROPOUT, width, rows]
                    label = None if place else layer
                    draw_blocks(
                        axes, place + shift, by_block(ratio), colour=colour, width=0.06, label=label
                    )
        axes.axhline(1, color=GREEN, linewidth=2, label="dropout")
        axes.axhline(DEAR, color=BLACK, linestyle="--", linewidth=1.5, label="1.5: dear from here")
        axes.set_xticks(range(len(places)), [f"{w:,} wide\nbatch {rows}" for w, rows in places])
        axes.set_ylabel("time of a training step, dropout = 1")
        axes.legend(loc="upper left")
        note(axes, measured_on(table), table["block"].nunique())
        figure.suptitle(_headline(rounds, max(widths.levels)))
        return figure

    return cost_by_width


def _headline(rounds: dict[tuple[Any, ...], pd.Series[float]], width: int) -> str:
    ratio = rounds[DROPCONNECT, width, FEW] / rounds[DROPOUT, width, FEW]
    return (
        f"At a width of {width:,} a training step with DropConnect takes\n"
        f"{told(by_block(ratio))} times as long as with dropout"
    )


WIDTH = width_factor((NARROW, *WIDE))
EXPERIMENT = masks_experiment(
    "Is a training step with DropConnect much dearer than one with dropout?",
    WIDTH,
    (
        Claim(
            "D-adv-2",
            time_over_dropout().at(batch=FEW).along(WIDTH, judged=WIDE),
            at_least(DEAR),
            reading=READING,
            headline={"width": max(WIDE)},
        ),
        Beyond(
            "D-adv-2",
            time_over_dropout().at(batch=MANY),
            at_least(DEAR),
            why="a batch of 512, whose arithmetic hides the mask",
        ),
    ),
    many=WIDE[0],
)
