"""Does a two-pass equality test catch a missing eval()?

Document D advises a unit test: pass one input through the model twice and assert that the outputs
agree within floating-point tolerance. The advice is good if the test passes where ``eval()`` was
called and fails where it is missing. Each block is a new network and a new input; the share of
blocks in which ``torch.allclose`` (with its defaults, as in the document's listing) tells the two
outputs apart is the rate at which the test catches the fault.

The test compares a network with itself, so that it can only see what differs from pass to pass.
Two things decide that: whether the layers draw random numbers at all (batch norm in train mode uses
the batch's own statistics, the same in both passes, and yet not those of eval mode), and, with a
small p, whether any unit is dropped: hence the rows of the input are a factor. The advice is given
for dropout: batch norm alone and p = 0.001 are shown beyond its words.

The verdict speaks for the test with one hidden layer of 64 units and the random streams left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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

DROPPING = ("dropout 0.5", "dropout 0.1", "dropout 0.1 + batch norm")
LAYER = Factor(
    "layer",
    (*DROPPING, "dropout 0.001", "batch norm", "none"),
    words={
        "dropout 0.5": "dropout with p = 0.5",
        "dropout 0.1": "dropout with p = 0.1",
        "dropout 0.1 + batch norm": "dropout with p = 0.1 and batch norm",
        "dropout 0.001": "dropout with p = 0.001",
        "batch norm": "batch norm alone",
        "none": "neither layer",
    },
)
ROWS = Factor("rows", (2, 256), words={2: "input of 2 rows", 256: "input of 256 rows"})
MODE_MATTERS = LAYER.levels[:-1]

RESPONSES = (
    Response("caught", "yes/no", "the test fails where eval() is missing"),
    Response("caught_in_eval", "yes/no", "the test fails where eval() was called"),
    Response("off", "logit", "largest difference between train and eval mode"),
)

CATCHES = (
    "Left in train mode, the network fails the test, as it should, in at least 95 % of the cases."
)

CLAIMS = (
    Claim(
        "D-inc-5",
        Value("caught").at(layer=DROPPING).frequency(),
        at_least(RATE_OF_A_CATCH),
        reading=CATCHES,
        headline={"layer": "dropout 0.1", "rows": 2},
    ),
    Claim(
        "D-inc-5",
        Value("caught_in_eval").at(layer=DROPPING).always(),
        equals(0.0),
        reading="In eval mode the two passes agree within rounding: the test never fails.",
    ),
    Beyond(
        "D-inc-5",
        Value("caught").at(layer="batch norm").frequency(),
        at_least(RATE_OF_A_CATCH),
        why="batch norm alone, which draws nothing at random",
        reading=CATCHES,
    ),
    Beyond(
        "D-inc-5",
        Value("caught").at(layer="dropout 0.001").frequency(),
        at_least(RATE_OF_A_CATCH),
        why="p = 0.001, which nobody trains with",
        reading=CATCHES,
    ),
    Unmeasurable(
        "D-inc-6",
        needs="field data",
        why="How often a missing eval() is the cause of non-deterministic output is a share of "
        "real incidents; an experiment that plants the causes itself would only return them.",
    ),
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
    """The share of networks in which the test catches the missing eval(), layer by layer."""
    from matplotlib.figure import Figure

    rows = table[table["response"] == "caught"]
    blocks = rows["block"].nunique()
    figure = Figure()
    axes = figure.subplots()
    for place, layer in enumerate(MODE_MATTERS):
        for count, colour, shift in COLOURS:
            found = rows.loc[(rows["layer"] == layer) & (rows["rows"] == count), "value"]
            rate = frequency_interval(found.to_numpy(np.float64))
            at, label = -place - shift, ROWS.say(count) if place == 0 else None
            axes.barh(at, rate.estimate, height=0.32, color=colour, label=label)
            axes.plot([rate.low, rate.high], [at, at], color="black", linewidth=2.5)
            axes.text(
                max(rate.high, rate.estimate) + 0.015, at, f"{rate.estimate:.0%}", va="center"
            )
    axes.axvline(RATE_OF_A_CATCH, color="black", linestyle=":", linewidth=2)
    axes.axhline(0.5 - len(DROPPING), color="grey", linewidth=1)
    beyond: dict[str, Any] = {"x": 0.93, "ha": "right", "fontsize": 13, "color": "black"}
    axes.text(y=0.56 - len(DROPPING), s="judged", va="bottom", **(beyond | {"x": 1.19}))
    axes.text(y=0.42 - len(DROPPING), s="beyond the document's words", va="top", **beyond)
    axes.set_yticks(
        range(0, -len(MODE_MATTERS), -1), [_two_lines(LAYER.say(layer)) for layer in MODE_MATTERS]
    )
    axes.set_xlim(0, 1.2)
    axes.set_xticks([0, 0.25, 0.5, 0.75, RATE_OF_A_CATCH])
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel(
        f"networks in which the test catches the missing eval()\n(n = {blocks} networks a bar, "
        f"with 99 % intervals; dotted: the rule, {RATE_OF_A_CATCH:.0%} or more)",
        fontsize=16,
    )
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.02))
    caught, missed = (
        rows.loc[rows["layer"].isin(layers), "value"].mean()
        for layers in (DROPPING, ("batch norm",))
    )
    figure.suptitle(
        f"The two-pass test catches a missing eval() in {caught:.0%} of networks with dropout\n"
        f"(p = 0.1 or 0.5), in {missed:.0%} of those with batch norm alone",
        fontsize=20,
    )
    return figure


#: Of the inputs' rows: colour, and where the bar stands.
COLOURS = ((2, VERMILION, -0.18), (256, BLUE, 0.18))


def _two_lines(words: str) -> str:
    return words.replace(" and ", "\nand ")


EXPERIMENT = Experiment(
    question="Does a two-pass equality test catch a missing eval()?",
    factors=(LAYER, ROWS),
    blocks=PerProfile(100, 200, 500),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(detection,),
)
