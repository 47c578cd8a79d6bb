"""Does training in 16 bits end at the same loss as training in float32?

Three small networks learn to read digits with Adam, from the same weights on the same batches, at
each level of precision; the validation loss afterwards is worked out in float32 for all of them.
Losses are compared by their ratio, with the project's margin of 5 %.

Judged is the pairing of bfloat16 with a gradient scaler, which document C lists without saying what
it is needed for: it is good advice where training without the scaler ends worse. Its lines are for
a GPU; what a CPU gives is the counterpart. The conv net is left out of float16, whose convolutions
take a CPU a hundred times as long to train. The verdicts speak for a few epochs of small networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_most,
    less_than,
)
from harness.figures import BLACK, draw_blocks, told, wide
from harness.libraries import torch
from harness.workloads import load_split
from studies.amp.models import CLASSES, CNN, NETS, TRANSFORMER, classification_loss, digit_net
from studies.amp.precision import BF16, BF16_SCALER, COLOURS, FP16, FP32, LEVELS, make_step

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.workloads import Split

LR, BATCH_SIZE = 3e-3, 64
#: The equivalence margin of the project for losses.
MARGIN = 0.05

NET = Factor("net", NETS)
PRECISION = Factor("precision", LEVELS, control=FP32)

CLAIMS = (
    Claim(
        "C7.26",
        Ratio("loss", PRECISION).against(BF16).at(precision=BF16_SCALER),
        at_most(1 - MARGIN),
        reading="An advice is worth following where it helps: with the scaler, training in "
        "bfloat16 ends at a validation loss that is at least 5 % lower.",
        needs="cuda",
        headline={"net": TRANSFORMER},
    ),
    Control(
        "float32 learns to read digits",
        Value("loss").at(precision=FP32),
        less_than(0.7 * np.log(CLASSES)),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    split: Split


def prepare(block: Block) -> Cell:
    """Split the digits anew."""
    return Cell(block, load_split("digits", block.seed, block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train at one level of precision, and validate in float32."""
    block, split = cell
    net = digit_net(arm[NET], block.seed, block.device)
    optimiser = torch.optim.Adam(net.parameters(), lr=LR, fused=True)
    step = make_step(net, optimiser, classification_loss, arm[PRECISION], block.device)
    order = torch.Generator().manual_seed(block.seed)
    for _ in range(block.effort):
        permutation = torch.randperm(len(split.train_x), generator=order).to(block.device)
        for rows in permutation.split(BATCH_SIZE):
            step(split.train_x[rows], split.train_y[rows])
    with torch.no_grad():
        loss = classification_loss(net, split.val_x, split.val_y)
        accuracy = (net(split.val_x).argmax(dim=1) == split.val_y).double().mean()
    return {"loss": loss.item(), "accuracy": accuracy.item()}


def _needed(arm: Arm) -> bool:
    return arm[NET] != CNN or not arm[PRECISION].startswith(FP16)


def loss_against_float32(table: pd.DataFrame) -> Figure:
    """The validation loss of each level over that of float32, by network."""
    from matplotlib.figure import Figure

    losses = wide(table[table["response"] == "loss"], index="block", columns=["net", "precision"])
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(1 - MARGIN, 1 + MARGIN, color="#EEEEEE", zorder=0)
    axes.text(2.55, 1 + MARGIN, "±5 %: the same ", ha="right", va="bottom", fontsize=15)
    axes.axhline(1, color=BLACK, linewidth=1)
    for place, net in enumerate(NETS):
        levels = [level for level in LEVELS[1:] if (net, level) in losses.columns]
        for number, level in enumerate(levels):
            ratios = (losses[net, level] / losses[net, FP32]).to_numpy()
            x = place + 0.16 * (number - (len(levels) - 1) / 2)
            draw_blocks(axes, x, ratios, colour=COLOURS[level], width=0.05)
    for level in LEVELS[1:]:
        axes.plot([], [], "D", color=COLOURS[level], label=level)
    figure.legend(loc="outside lower center", ncols=4)
    widest = max(2 * MARGIN, *(abs(np.array(axes.get_ylim()) - 1)))
    axes.set_ylim(1 - widest, 1 + widest)
    axes.set_xticks(range(len(NETS)), NETS)
    axes.set_xlim(-0.55, 2.55)
    axes.set_ylabel("validation loss over that of float32")
    axes.set_title(_title(table, losses), fontsize=20)
    return figure


def _title(table: pd.DataFrame, losses: pd.DataFrame) -> str:
    with_scaler = (losses[TRANSFORMER, BF16_SCALER] / losses[TRANSFORMER, BF16]).to_numpy()
    blocks = table["block"].nunique()
    return (
        f"In bfloat16 the scaler leaves the {TRANSFORMER}'s loss at {told(with_scaler, '.3f')}\n"
        f"of that without it (digits, {blocks} blocks (dots), medians with 99 % intervals)"
    )


EXPERIMENT = Experiment(
    question="Does training in 16 bits end at the same loss as training in float32?",
    factors=(NET, PRECISION),
    only=_needed,
    blocks=PerProfile(1, 12, 24),
    effort=PerProfile(1, 4, 10),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("loss", "nats", "validation loss at the end"),
        Response("accuracy", "1", "validation accuracy at the end"),
    ),
    claims=CLAIMS,
    figures=(loss_against_float32,),
)
