"""Are the predictions of a loaded network unfit for use while it is in train mode?

Document B: dropout and batch norm serve training, and make inference noisy. Networks with one or
the other are trained on digits and classify held-out rows in both modes. In train mode batch norm
uses the statistics of the batch, so that the answer should depend on how large the batches are and
on which rows share one: batches of 2, 8, 64 and of all rows, in random order and sorted by class,
as files often are. Dropout draws its mask for each row, whatever the batch: one arm stands for all.

Unfit is judged on accuracy. Noisy is judged on how many rows change their class from one pass to
the next over the same rows, each with new masks and a new order (by class: within the class).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
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
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks
from harness.libraries import torch
from studies.load_loss.trained import Trained, train_nets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

#: Of the 719 held-out rows, as many as every size of batch divides: batch norm refuses a last one
#: of a single row.
N_ROWS = 704

MODE = Factor("mode", ("eval", "train"), control="eval")
NET = Factor("net", ("dropout 0.5", "batch norm"))
BATCH = Factor("batch", (2, 8, 64, N_ROWS))
ORDER = Factor("row_order", ("random", "by class"))

POINT = 0.01  # the catalogue's margin for an accuracy

CLAIMS = (
    Claim(
        "B-intro-5",
        Difference("accuracy", MODE).at(mode="train"),
        at_most(-POINT),
        reading="Unfit: accuracy is lower by a percentage point or more than in eval mode, for "
        "every network, size of batch and order of rows.",
    ),
    Claim(
        "B-intro-5",
        Value("flips").at(mode="train"),
        at_least(POINT),
        reading="Noisy: one row in a hundred or more gets another class in the next pass.",
    ),
    Control(
        "in eval mode no row changes its class",
        Value("flips").at(mode="eval").always(),
        equals(0),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Classify the held-out rows twice with a trained network of each block."""
    seeds = tuple(block.seed for block in blocks)
    trained = train_nets(arm[NET], "10 epochs", seeds, blocks[0].device)
    return [_responses(each, arm, seed) for each, seed in zip(trained, seeds, strict=True)]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.val_x[:N_ROWS], trained.data.val_y[:N_ROWS]
    net = copy.deepcopy(trained.net).train(arm[MODE] == "train")
    torch.manual_seed(seed)  # of dropout's masks
    draw = np.random.default_rng(seed)
    first, second = (classes(net, x, order_of(y, arm[ORDER], draw), arm[BATCH]) for _ in range(2))
    return {
        "accuracy": (first == y).double().mean().item(),
        "flips": (first != second).double().mean().item(),
    }


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


def accuracy_by_batch(table: pd.DataFrame) -> Figure:
    """The accuracy lost in train mode by size of batch, for both orders, every seed."""
    from matplotlib.figure import Figure

    table = table[table["response"] == "accuracy"]
    keys = ["net", "batch", "row_order", "block"]
    by_mode = table.pivot_table(index=keys, columns="mode", values="value")
    lost = (100 * (by_mode["eval"] - by_mode["train"])).rename("lost").reset_index()
    figure = Figure()
    axes = figure.subplots()
    arms = [("dropout 0.5", 64, "random", BLACK)]
    arms += [
        ("batch norm", batch, order, colour)
        for order, colour in zip(ORDER.levels, (BLUE, ORANGE), strict=True)
        for batch in BATCH.levels
        if _possible_order(batch, order)
    ]
    medians = []
    for place, (net, batch, order, colour) in enumerate(arms):
        mine = lost[(lost["net"] == net) & (lost["batch"] == batch) & (lost["row_order"] == order)]
        values = mine.sort_values("block")["lost"].to_numpy(np.float64)
        draw_blocks(axes, place, values, colour=colour, width=0.25)
        medians.append(float(np.median(values)))
    _label(axes, arms)
    norm = medians[1:]
    figure.suptitle(
        f"Left in train mode, dropout costs {medians[0]:.1f} points of accuracy;\n"
        f"batch norm {max(min(norm), 0):.1f} to {max(norm):.0f}, by who shares a batch with whom"
    )
    return figure


def _label(axes: Axes, arms: list[tuple[str, int, str, str]]) -> None:
    axes.set_xticks(
        range(len(arms)),
        ["any" if net == "dropout 0.5" else str(batch) for net, batch, _, _ in arms],
    )
    axes.axhline(100 * POINT, color=BLACK, lw=1.5, ls="--")
    axes.text(len(arms) - 0.5, 100 * POINT, "1 point", va="bottom", ha="right", fontsize=15)
    axes.set_xlabel("rows in a batch")
    axes.set_ylabel("accuracy lost in train mode (points)")
    axes.grid(visible=False, axis="x")
    top = axes.get_ylim()[1]
    for first, last, text, colour in (
        (0, 0, "dropout 0.5", BLACK),
        (1, 4, "batch norm,\nrandom order", BLUE),
        (5, 7, "batch norm,\nrows by class", ORANGE),
    ):
        middle = (first + last) / 2
        axes.text(middle, 1.2 * top, text, color=colour, ha="center", va="top", fontsize=17)
    axes.set_ylim(top=1.2 * top)


def _possible_order(batch: int, order: str) -> bool:
    """A batch of all rows has no order."""
    return order == "random" or batch < N_ROWS


def _wanted(arm: Arm) -> bool:
    if arm[NET] == "dropout 0.5":
        return arm[BATCH] == 64 and arm[ORDER] == "random"
    return _possible_order(arm[BATCH], arm[ORDER])


EXPERIMENT: Experiment[Block] = Experiment(
    question="Are the predictions of a loaded network unfit for use while it is in train mode?",
    factors=(MODE, NET, BATCH, ORDER),
    only=_wanted,
    blocks=PerProfile(2, 20, 40),
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=(
        Response("accuracy", "1", "accuracy"),
        Response("flips", "1", "flips"),
    ),
    claims=CLAIMS,
    figures=(accuracy_by_batch,),
)
