"""Is one line, model.eval(), the whole fix once a network was validated in train mode?

Document A describes a model with dropout whose answers bounce since it is validated in train mode,
and says that the fix is a single line. Here a trained network is validated k times in train mode,
then the line is called, and what the network answers is compared with a copy that was never
validated in train mode: do repeats agree to the last bit, and is the accuracy the same within one
point? Dropout has no memory. Batch norm has: every train-mode pass moves its running mean and
variance towards the batches seen, and in eval mode it uses what it has. So networks with batch norm
are measured by the same rules, in batches of 128, 16 and 4 rows, shuffled for every pass or sorted
by class, as a folder of files has them. The passage speaks of dropout: they are shown beyond its
words and do not decide.

The verdict speaks for a small network on digits, with PyTorch's default momentum of 0.1.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
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
from harness.figures import BLACK, BLUE, VERMILION, draw_blocks, told
from harness.libraries import nn, torch
from harness.workloads import Split, load_split, trained_mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

NET = Factor(
    "net",
    ("dropout", "batch norm", "both"),
    words={
        "dropout": "net with dropout",
        "batch norm": "net with batch norm",
        "both": "net with dropout and batch norm",
    },
)
PASSES = Factor("passes", (0, 1, 5, 20), control=0, label="train-mode passes:")
SIZE = Factor("size", (4, 16, 128), label="batch size")
BATCHES = Factor(
    "batches",
    ("shuffled", "by class"),
    words={"shuffled": "shuffled rows", "by class": "rows sorted by class"},
)

FORGOTTEN = (1, 5, 20)  # the levels of PASSES at which eval() was forgotten
NORMED = ("batch norm", "both")
SAME_ACCURACY = 0.01  # the catalogue's margin for an accuracy: 1 percentage point

RESPONSES = (
    Response(
        "output_change",
        "logit",
        "largest distance of a logit, after eval(), from that of the untouched copy",
    ),
    Response(
        "accuracy_change",
        "1",
        "validation accuracy, after eval(), less that of the untouched copy",
    ),
    Response("repeat_change", "logit", "largest distance between two passes after eval()"),
    Response("bouncing", "logit", "largest distance between two passes before eval()"),
)

REPEATS = "The bouncing stops: after the line, two passes give the same logits, bit for bit."
SAME = (
    "The line is the whole fix: after it the accuracy is within one point of that of a copy that "
    "was never run in train mode."
)
STATISTICS = "nets with batch norm, whose running statistics the stray passes have moved"

CLAIMS = (
    Claim(
        "A-forget-5",
        Value("accuracy_change").at(net="dropout", passes=FORGOTTEN),
        equals(0, within=SAME_ACCURACY),
        reading=SAME,
        headline={"passes": 5, "size": 16, "batches": "shuffled"},
    ),
    Claim(
        "A-forget-5",
        Value("repeat_change").at(net="dropout", passes=FORGOTTEN).always(),
        equals(0),
        reading=REPEATS,
    ),
    Beyond(
        "A-forget-5",
        Value("accuracy_change").at(net=NORMED, passes=FORGOTTEN),
        equals(0, within=SAME_ACCURACY),
        why=STATISTICS,
        reading=SAME,
    ),
    Beyond(
        "A-forget-5",
        Value("repeat_change").at(net=NORMED, passes=FORGOTTEN).always(),
        equals(0),
        why=STATISTICS,
        reading=REPEATS,
    ),
    Control("no pass, no change", Value("output_change").at(passes=0).always(), equals(0)),
    Control(
        "there is something to fix",
        Value("bouncing").at(net="dropout", passes=1).always(),
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
            for rows in _order(arm[BATCHES], y, orders).split(arm[SIZE]):
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
    """The accuracy that is lost for good, by batch size and order of rows, for each network."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "accuracy_change") & (table["passes"] == SHOWN)]
    change = 100 * rows.set_index(["net", "batches", "size", "block"])["value"].sort_index()
    figure = Figure()
    panels = figure.subplots(1, len(NET.levels), sharey=True)
    for axes, net in zip(panels, NET.levels, strict=True):
        axes.axhspan(-100 * SAME_ACCURACY, 100 * SAME_ACCURACY, color="#EEEEEE", zorder=0)
        axes.axhline(0, color=BLACK, lw=1.5, zorder=1)
        for batches, shift, colour in ORDERS:
            for place, size in enumerate(SIZE.levels):
                values = change[net, batches, size].to_numpy(np.float64)
                label = BATCHES.say(batches) if place == 0 else None
                draw_blocks(axes, place + shift, values, colour=colour, width=0.12, label=label)
        axes.set_xticks(range(len(SIZE.levels)), [str(size) for size in SIZE.levels])
        title = NET.say(net).removeprefix("net with ")
        axes.set_title(title + (" (judged)" if net == "dropout" else ""), fontsize=18)
    panels[0].set_ylabel("change of accuracy that eval()\ndoes not undo (points)")
    panels[0].legend(loc="lower right")
    blocks = table["block"].nunique()
    figure.supxlabel(
        f"rows in a batch   ({SHOWN} passes in train mode before eval(); digits; dots: {blocks} "
        "networks; diamonds:\nmedian and 99 % interval; grey: within the one point that counts as "
        "the same)",
        fontsize=15,
    )
    figure.suptitle(_headline(change), fontsize=20)
    return figure


SHOWN = 5  # passes, of which the figure tells
ORDERS = (("shuffled", -0.18, BLUE), ("by class", 0.18, VERMILION))


def _headline(change: Any) -> str:  # noqa: ANN401 - a series
    """What the line leaves behind of passes in small batches sorted by class, from the table."""
    least = min(SIZE.levels)
    lost = {net: change[net, "by class", least].to_numpy(np.float64) for net in NET.levels}
    return (
        f"After passes in train mode ({least} rows a batch, by class), eval() leaves an accuracy\n"
        f"{told(lost['dropout'], '+.1f', 'points', interval=False)} off with dropout, "
        f"{told(lost['batch norm'], '+.1f', 'points')} off with batch norm"
    )


def in_design(arm: Arm) -> bool:
    """Many passes, and none, in large batches alone: 20 passes in batches of 4 are dear."""
    return arm[PASSES] in (1, SHOWN) or arm[SIZE] == max(SIZE.levels)


EXPERIMENT = Experiment(
    question="Does model.eval() alone undo what validating in train mode has done?",
    factors=(NET, PASSES, SIZE, BATCHES),
    only=in_design,
    responses=RESPONSES,
    blocks=PerProfile(quick=3, standard=20, full=100),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(what_stays,),
)
