"""Is one line, model.eval(), the whole fix once a network was validated in train mode?

Document A describes a model whose answers bounce because it is validated in train mode, and says
that the fix is a single line. Here a trained network is validated k times in train mode, then the
line is called, and what the network answers is compared with a copy that was never validated in
train mode. Dropout has no memory. Batch norm has: every train-mode pass moves its running mean and
variance towards the batches seen, and in eval mode it uses what it has. So the make-up of the
batches is a factor: shuffled for every pass, or sorted by class, as a folder of files has them.

The verdict speaks for a small network on digits in batches of 128, with PyTorch's default momentum
of 0.1.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, VERMILION
from harness.libraries import nn, torch
from harness.workloads import Split, load_split, trained_mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

NET = Factor("net", ("dropout", "batch norm", "both"))
PASSES = Factor("passes", (0, 1, 5, 20), control=0)
BATCHES = Factor("batches", ("shuffled", "by class"))

BATCH = 128
FORGOTTEN = (1, 5, 20)  # the levels of PASSES at which eval() was forgotten

RESPONSES = (
    Response(
        "output_change", "logit", "greatest distance of a logit from that of the untouched copy"
    ),
    Response("accuracy_change", "1", "validation accuracy less that of the untouched copy"),
    Response("repeat_change", "logit", "greatest distance between two passes, both after eval()"),
    Response("bouncing", "logit", "the same in train mode, before eval() was called"),
)

CLAIMS = (
    Claim(
        "A-forget-5",
        Value("repeat_change").at(passes=FORGOTTEN).always(),
        equals(0),
        reading="The fix stops the bouncing: after the line, two passes over the same rows give "
        "the same logits, bit for bit.",
    ),
    Claim(
        "A-forget-5",
        Value("output_change").at(passes=FORGOTTEN).always(),
        equals(0),
        reading="The line is the whole fix: after it the network gives the logits of a copy that "
        "was never validated in train mode, bit for bit.",
    ),
    Control("no pass, no change", Value("output_change").at(passes=0).always(), equals(0)),
    Control(
        "there is something to fix",
        Value("bouncing").at(net="dropout", passes=1, batches="shuffled").always(),
        more_than(0),
    ),
)


@dataclass(frozen=True)
class Cell:
    """A digits split and, by name, networks trained on it."""

    data: Split
    models: dict[str, nn.Module]
    seed: int


def prepare(block: Block) -> Cell:
    """Train a network with dropout, one with batch norm and one with both, from equal weights."""
    data = load_split("digits", block.seed, block.device)
    models = {}
    for net in NET.levels:
        dropout = None if net == "batch norm" else 0.5
        models[net] = trained_mlp(
            data, block.seed, epochs=5, dropout=dropout, batch_norm=net != "dropout"
        )
    return Cell(data, models, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Validate k times in train mode, call the one line, and compare with the untouched copy."""
    x, y, untouched = cell.data.val_x, cell.data.val_y, cell.models[arm[NET]]
    model = deepcopy(untouched)
    orders = torch.Generator().manual_seed(cell.seed)
    with torch.no_grad():
        trial = deepcopy(untouched).train()
        before = (trial(x) - trial(x)).abs().max()
        model.train()
        for _ in range(arm[PASSES]):
            for rows in _order(arm[BATCHES], y, orders).split(BATCH):
                model(x[rows])
        model.eval()
        once, again, never = model(x), model(x), deepcopy(untouched).eval()(x)
    return {
        "output_change": (once - never).abs().max().item(),
        "accuracy_change": _accuracy(once, y) - _accuracy(never, y),
        "repeat_change": (once - again).abs().max().item(),
        "bouncing": before.item(),
    }


def _order(order: str, y: Tensor, generator: torch.Generator) -> Tensor:
    """Row numbers in the order in which one pass reads the validation set."""
    if order == "by class":
        return torch.argsort(y, stable=True)
    return torch.randperm(len(y), generator=generator).to(y.device)


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return (logits.argmax(1) == y).double().mean().item()


def what_stays(table: pd.DataFrame) -> Figure:
    """How far the logits are from the untouched copy's, after the fix, for each network."""
    from matplotlib.figure import Figure

    colours = {"shuffled": BLUE, "by class": VERMILION}
    values = table.pivot_table(
        index=["net", "batches", "passes", "block"], columns="response", values="value"
    )
    change = values["output_change"]
    accuracy = 100 * values["accuracy_change"].groupby(["net", "batches", "passes"]).median()
    blocks = table["block"].nunique()
    jitter = np.random.default_rng(0).uniform(-0.09, 0.09, blocks)
    figure = Figure()
    panels = figure.subplots(1, len(NET.levels), sharey=True)
    for axes, net in zip(panels, NET.levels, strict=True):
        for shift, (batches, colour) in zip((-0.17, 0.17), colours.items(), strict=True):
            for place, passes in enumerate(FORGOTTEN):
                points = change[net, batches, passes]
                axes.plot(place + shift + jitter, points, "o", color=colour, alpha=0.5, ms=7)
            highest = change[net, batches, FORGOTTEN[-1]].max()
            if highest > 0:
                note = f"{accuracy[net, batches, FORGOTTEN[-1]]:+.1f} pp".replace("-", "−")  # noqa: RUF001 - a true minus sign
                axes.text(2 + shift, highest + 0.04 * change.max(), note, color=colour, ha="center")
        axes.axhline(0, color=BLACK, lw=1.5)
        axes.set_xticks(range(len(FORGOTTEN)), [str(passes) for passes in FORGOTTEN])
        axes.set_xlim(-0.5, 2.75)
        axes.set_title(net, fontsize=20)
    panels[0].set_ylim(-0.3, 1.15 * change.max())
    panels[0].set_ylabel("largest change of a logit, after eval()")
    figure.supxlabel(f"passes in train mode before eval() was called   ({blocks} networks a panel)")
    _add_key(panels[0], colours)
    figure.suptitle(_headline(change))
    return figure


def _add_key(axes: Axes, colours: dict[str, str]) -> None:
    """Colours and the meaning of the numbers, in the panel that is empty but for zeros."""
    for height, (batches, colour) in zip((0.92, 0.84), colours.items(), strict=True):
        axes.text(0.05, height, f"batches {batches}", color=colour, transform=axes.transAxes)
    meaning = f"pp: median change of\naccuracy, {FORGOTTEN[-1]} passes"
    axes.text(0.05, 0.66, meaning, transform=axes.transAxes)


def _headline(change: pd.Series[float]) -> str:
    """How many networks answer as if nothing had happened, from the table."""
    same = (change.drop(0, level="passes") == 0).groupby("net")
    back = [f"{same.sum()[net]} of {same.count()[net]} with {net}" for net in NET.levels]
    return (
        "After validation in train mode, eval() brings the old logits back:\n"
        f"{back[0]}, {back[1]}, {back[2]}"
    )


EXPERIMENT = Experiment(
    question="Does model.eval() alone undo what validating in train mode has done?",
    factors=(NET, PASSES, BATCHES),
    responses=RESPONSES,
    blocks=PerProfile(quick=3, standard=20, full=100),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(what_stays,),
)
