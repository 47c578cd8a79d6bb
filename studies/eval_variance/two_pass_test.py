"""Does a two-pass equality test catch a missing eval()?

Document D advises a unit test: pass one input through the model twice and assert that the outputs
agree within floating-point tolerance. Here ``eval()`` is missing, and the test should fail. Each
block is a new network and a new input; the share of blocks in which ``torch.allclose`` (with its
defaults, as in the document's listing) tells the two outputs apart is the detection rate.

The test compares a network with itself, so that it can only see what differs from pass to pass.
Two things decide that: whether the layers draw random numbers at all (batch norm in train mode uses
the batch's own statistics, the same in both passes, and yet not those of eval mode), and, with a
small p, whether any unit is dropped: hence the rows of the input are a factor.

The verdict speaks for the test with one hidden layer of 64 units and the random streams left alone.
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
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLUE, VERMILION, frequency_interval
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

FEATURES, HIDDEN, CLASSES = 16, 64, 4
RATE_OF_A_CATCH = 0.95

LAYER = Factor(
    "layer",
    (
        "dropout 0.5",
        "dropout 0.1",
        "dropout 0.001",
        "dropout 0.1 + batch norm",
        "batch norm",
        "none",
    ),
)
ROWS = Factor("rows", (2, 256))
MODE_MATTERS = LAYER.levels[:-1]

CLAIMS = (
    Claim(
        "D-inc-5",
        Value("caught").at(layer=MODE_MATTERS).frequency(),
        at_least(RATE_OF_A_CATCH),
        reading="Caught at a rate of 95 % or more, whichever layer the missing eval() leaves in "
        "train mode.",
    ),
    Unmeasurable(
        "D-inc-6",
        needs="field data",
        why="How often a missing eval() is the cause of non-deterministic output is a share of "
        "real incidents; an experiment that plants the causes itself would only return them.",
    ),
    Control("no alarm where eval() was called", Value("caught_in_eval").always(), equals(0.0)),
    Control(
        "no alarm where the mode does nothing",
        Value("caught").at(layer="none").always(),
        equals(0.0),
    ),
    Control(
        "train mode does change what batch norm gives out",
        Value("off").at(layer="batch norm").always(),
        more_than(1e-3),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share: the seed of the weights, and an input of 256 rows."""

    block: Block
    x: Tensor


def prepare(block: Block) -> Cell:
    """The rows that are passed twice."""
    return Cell(block, torch.randn(max(ROWS.levels), FEATURES, device=block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the two-pass test on a network in eval mode, as it should be, and left in train mode."""
    torch.manual_seed(cell.block.seed)
    net = network(arm[LAYER]).to(cell.x.device)
    x = cell.x[: arm[ROWS]]
    with torch.no_grad():
        net.eval()
        right, again = net(x), net(x)
        net.train()
        first, second = net(x), net(x)
    return {
        "caught": float(not torch.allclose(first, second)),
        "caught_in_eval": float(not torch.allclose(right, again)),
        "off": (first - right).abs().max().item(),
    }


def network(layer: str) -> nn.Module:
    """One hidden layer, with the level's layers behind its activation."""
    middle: dict[str, Callable[[], list[nn.Module]]] = {
        "dropout 0.5": lambda: [nn.Dropout(0.5)],
        "dropout 0.1": lambda: [nn.Dropout(0.1)],
        "dropout 0.001": lambda: [nn.Dropout(0.001)],
        "dropout 0.1 + batch norm": lambda: [nn.Dropout(0.1), nn.BatchNorm1d(HIDDEN)],
        "batch norm": lambda: [nn.BatchNorm1d(HIDDEN)],
        "none": list,
    }
    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN), nn.ReLU(), *middle[layer](), nn.Linear(HIDDEN, CLASSES)
    )


def detection(table: pd.DataFrame) -> Figure:
    """The detection rate of the two-pass test for each layer left in train mode."""
    from matplotlib.figure import Figure

    rows = table[table["response"] == "caught"]
    blocks = rows["block"].nunique()
    figure = Figure()
    axes = figure.subplots()
    for height, layer in enumerate(reversed(MODE_MATTERS)):
        for count, colour, offset in zip(
            ROWS.levels, (VERMILION, BLUE), (-0.14, 0.14), strict=True
        ):
            found = rows.loc[(rows["layer"] == layer) & (rows["rows"] == count), "value"]
            rate = frequency_interval(found.to_numpy(np.float64))
            at = height - offset
            axes.plot([rate.low, rate.high], [at, at], color=colour, linewidth=5)
            axes.plot(rate.estimate, at, "o", color=colour, markersize=13, clip_on=False)
            side = -16 if rate.estimate > 0.5 else 16
            end = min(rate.low, RATE_OF_A_CATCH) if rate.estimate > 0.5 else rate.high
            axes.annotate(
                f"{rate.estimate:.0%}",
                (end, at),
                xytext=(side, 0),
                textcoords="offset points",
                ha="right" if side < 0 else "left",
                va="center",
                color=colour,
            )
    for count, colour in zip(ROWS.levels, (VERMILION, BLUE), strict=True):
        axes.plot([], [], "o-", color=colour, linewidth=5, label=f"input of {count} rows")
    axes.axvline(RATE_OF_A_CATCH, color="black", linestyle=":", linewidth=2)
    region = f"the claim's region: {RATE_OF_A_CATCH:.0%} or more "
    axes.text(RATE_OF_A_CATCH, 0, region, ha="right", va="center")
    axes.set_yticks(range(len(MODE_MATTERS)), list(reversed(MODE_MATTERS)))
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel(
        f"networks in which the test fails, as it should\n(n = {blocks}, with 99 % intervals)"
    )
    axes.grid(axis="y", visible=False)
    axes.legend(loc="center", bbox_to_anchor=(0.4, 0.8), fontsize=18)
    missed = rows.loc[rows["layer"] == "batch norm", "value"].mean()
    title = f"Without eval(), the two-pass test fails in {missed:.0%} of networks"
    figure.suptitle(f"{title} with batch norm alone", fontsize=22)
    return figure


EXPERIMENT = Experiment(
    question="Does a two-pass equality test catch a missing eval()?",
    factors=(LAYER, ROWS),
    blocks=PerProfile(100, 200, 500),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("caught", "1", "caught"),
        Response("caught_in_eval", "1", "caught in eval"),
        Response("off", "1", "off"),
    ),
    claims=CLAIMS,
    figures=(detection,),
)
