"""Are the predictions of a loaded network unfit for use while it is in train mode?

Document B: dropout and batch norm serve training, and make inference noisy and unfit. Networks with
one, the other or both are trained on digits and classify held-out rows in both modes, again and
again. In train mode batch norm uses the statistics of the batch, so that the answer depends on how
large the batches are and on which rows share one. Judged are ordinary ones: shuffled batches of 8
and of 64. Batches of 2, all rows at once, and rows sorted by class, as files often are, are extreme
and shown beside them. Dropout draws its mask for each row, whatever the batch: one arm stands for
all.

Unfit is judged on mean accuracy. Noisy is judged on the spread of accuracy over ten passes with the
same rows (two in extreme batches), each with new masks and a new order (by class: within the
class).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, median_interval, wide
from harness.libraries import torch
from studies.load_loss.trained import BOTH, EPOCHS, Trained, train_nets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

#: Of the 719 held-out rows, as many as every size of batch divides: batch norm refuses a last one
#: of a single row.
N_ROWS = 704

MODE = Factor(
    "mode",
    ("eval", "train"),
    control="eval",
    words={"eval": "eval mode", "train": "train mode"},
)
NET = Factor("net", ("dropout 0.1", "dropout 0.5", "batch norm", BOTH))
DROPOUT_ONLY = NET.levels[:2]
BATCH = Factor(
    "batch",
    (2, 8, 64, N_ROWS),
    words={2: "batches of 2", 8: "batches of 8", 64: "batches of 64", N_ROWS: "all rows at once"},
)
ORDER = Factor(
    "row_order",
    ("random", "by class"),
    words={"random": "shuffled", "by class": "sorted by class"},
)
ORDINARY = (8, 64)
PASSES, FEW_PASSES = 10, 2  # the latter in eval mode, where all are alike, and of extreme batches

POINT = 0.01  # the catalogue's margin for an accuracy
LEAST_SD = 0.002  # 0.2 points: two validations then differ by the half point that people chase

_UNFIT = (
    "Unfit: mean accuracy is lower by a percentage point or more than in eval mode, with shuffled "
    "batches of an ordinary size."
)
_NOISY = (
    "Noisy: the standard deviation of accuracy over repeated passes is more than 0.2 points, with "
    "shuffled batches of an ordinary size."
)
#: What is extreme, as (sizes of batch, order, what makes it so).
EXTREME = (
    ((2,), "random", "batches of 2 rows"),
    ((N_ROWS,), "random", "all rows as one batch"),
    ((2, 8, 64), "by class", "rows sorted by class"),
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "B-intro-5",
        Difference("accuracy", MODE).at(mode="train", batch=ORDINARY, row_order="random"),
        at_most(-POINT),
        reading=_UNFIT,
        headline={"net": BOTH, "batch": 64},
    ),
    Claim(
        "B-intro-5",
        Value("accuracy").sd().at(mode="train", batch=ORDINARY, row_order="random"),
        more_than(LEAST_SD),
        reading=_NOISY,
    ),
    *(
        Beyond(
            "B-intro-5",
            Difference("accuracy", MODE).at(mode="train", batch=batches, row_order=order),
            at_most(-POINT),
            why=why,
        )
        for batches, order, why in EXTREME
    ),
    *(
        Beyond(
            "B-intro-5",
            Value("accuracy").sd().at(mode="train", batch=batches, row_order=order),
            more_than(LEAST_SD),
            why=why,
        )
        for batches, order, why in EXTREME
    ),
    Control(
        "in eval mode no row changes its class",
        Value("flips").at(mode="eval").always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("accuracy", "1", "accuracy on held-out rows"),
    Response("flips", "1", "share of rows that get another class in the next pass"),
)


@dataclass(frozen=True)
class Cell:
    """The trained networks of some blocks by kind, and the blocks' seeds."""

    trained: dict[str, tuple[Trained, ...]]
    seeds: tuple[int, ...]


def prepare(blocks: tuple[Block, ...]) -> Cell:
    """Train a network of every kind for each block."""
    trained = {net: train_nets(net, EPOCHS, blocks) for net in NET.levels}
    return Cell(trained, tuple(block.seed for block in blocks))


def measure(cell: Cell, arm: Arm) -> Sequence[Responses]:
    """Classify the held-out rows again and again with a trained network of each block."""
    return [
        _responses(trained, arm, seed)
        for trained, seed in zip(cell.trained[arm[NET]], cell.seeds, strict=True)
    ]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.val_x[:N_ROWS], trained.data.val_y[:N_ROWS]
    net = copy.deepcopy(trained.net).train(arm[MODE] == "train")
    torch.manual_seed(seed)  # of dropout's masks
    draw = np.random.default_rng(seed)
    passes = torch.stack(
        [classes(net, x, order_of(y, arm[ORDER], draw), arm[BATCH]) for _ in range(passes_of(arm))]
    )
    return {
        "accuracy": (passes == y).double().mean(1).tolist(),
        "flips": (passes[1:] != passes[:-1]).double().mean(1).tolist(),
    }


def passes_of(arm: Arm) -> int:
    """How often an arm classifies all rows: often where the spread of its accuracy is judged."""
    judged = arm[MODE] == "train" and arm[BATCH] in ORDINARY and arm[ORDER] == "random"
    return PASSES if judged else FEW_PASSES


def order_of(y: Tensor, order: str, draw: np.random.Generator) -> Tensor:
    """The places of the rows in random order, or by class and within each class at random."""
    shuffled = torch.from_numpy(draw.permutation(len(y))).to(y.device)
    if order == "by class":
        return shuffled[torch.sort(y[shuffled], stable=True).indices]
    return shuffled


def classes(net: torch.nn.Module, x: Tensor, order: Tensor, batch: int) -> Tensor:
    """The class of every row, in the rows' own order, from batches in another order."""
    found = torch.empty_like(order)
    with torch.no_grad():
        for rows in order.split(batch):
            found[rows] = net(x[rows]).argmax(1)
    return found


#: What is drawn, panel by panel: the arms as (net, size of batch, order, words, colour).
_PANELS: dict[str, tuple[tuple[str, int, str, str, str], ...]] = {
    "ordinary batches, shuffled": (
        ("dropout 0.1", 64, "random", "dropout\n0.1", BLACK),
        ("dropout 0.5", 64, "random", "dropout\n0.5", BLACK),
        *(
            (net, batch, "random", f"{words},\n{batch} rows", colour)
            for net, words, colour in (("batch norm", "norm", BLUE), (BOTH, "both", ORANGE))
            for batch in ORDINARY
        ),
    ),
    "extreme batches, batch norm": (
        ("batch norm", 2, "random", "2 rows", BLUE),
        ("batch norm", N_ROWS, "random", "all rows", BLUE),
        *(
            ("batch norm", batch, "by class", f"{batch} rows,\nby class", BLUE)
            for batch in (2, 8, 64)
        ),
    ),
}


def accuracy_by_batch(table: pd.DataFrame) -> Figure:
    """The accuracy lost in train mode, for ordinary batches and extreme ones, every seed."""
    from matplotlib.figure import Figure

    table = table[table["response"] == "accuracy"]
    keys = ["net", "batch", "row_order", "block"]
    by_mode = wide(table, index=keys, columns="mode")
    lost = 100 * (by_mode["eval"] - by_mode["train"])
    figure = Figure()
    panels = figure.subplots(1, len(_PANELS))
    for axes, (title, arms) in zip(panels, _PANELS.items(), strict=True):
        for place, (net, batch, order, _, colour) in enumerate(arms):
            values = lost[net, batch, order].sort_index().to_numpy(np.float64)
            draw_blocks(axes, place, values, colour=colour, width=0.25)
        axes.set_xticks(range(len(arms)), [words for _, _, _, words, _ in arms])
        axes.axhline(100 * POINT, color=BLACK, lw=1.5, ls="--")
        axes.axhline(0, color=BLACK, lw=1)
        axes.set_title(title, fontsize=18)
        axes.tick_params(axis="x", labelsize=13)
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel("accuracy lost in train mode (points)")
    panels[0].text(5.4, 100 * POINT, "1 point", va="bottom", ha="right", fontsize=14)
    cost = _points(lost[BOTH, 64, "random"].to_numpy(np.float64))
    figure.suptitle(
        f"Left in train mode, {BOTH} costs {cost} points\nof accuracy in shuffled batches of 64. "
        f"A dot: one of {table['block'].nunique()} trainings on digits, CPU",
        fontsize=20,
    )
    return figure


def _points(values: NDArray[np.float64]) -> str:
    """The median with its interval, where there are blocks enough for one."""
    found = median_interval(values)
    if not np.isfinite(found.low):
        return f"{found.estimate:.1f}"
    return f"{found.estimate:.1f} ({found.low:.1f} to {found.high:.1f})"


def _wanted(arm: Arm) -> bool:
    ordinary = arm[BATCH] in ORDINARY and arm[ORDER] == "random"
    if arm[NET] in DROPOUT_ONLY:
        return arm[BATCH] == 64 and ordinary
    # Extreme batches meet batch norm alone; a batch of all rows has no order.
    extreme = arm[NET] == "batch norm" and (arm[ORDER] == "random" or arm[BATCH] < N_ROWS)
    return ordinary or extreme


EXPERIMENT: Experiment[Block] = Experiment(
    question="Are the predictions of a loaded network unfit for use while it is in train mode?",
    factors=(MODE, NET, BATCH, ORDER),
    only=_wanted,
    blocks=PerProfile(2, 20, 40),
    prepare_together=prepare,
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(accuracy_by_batch,),
)
