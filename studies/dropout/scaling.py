"""Is what follows dropout the same on average in train mode as it is in eval mode?

64 rows of non-negative activations go through dropout and into a linear layer without bias. The
mean over many masks of what comes out in train mode is compared with what comes out in eval mode:
by the slope of a line through the origin, since single outputs may lie near zero. Dropout is
PyTorch's own, or unscaled as it was at first (survivors keep their values), with the weights behind
it as they are at inference or multiplied by 1 - p, the cure that the passage names. "Magnitude" is
read where sums are positive: the root mean square of sums around zero grows by less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, VERMILION, draw_blocks, told
from harness.libraries import nn, torch
from studies.dropout.training import unscaled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

INVERTED, UNSCALED, CURED = "inverted", "unscaled", "unscaled, weights times 1 - p"
SCALING = Factor(
    "scaling",
    (INVERTED, UNSCALED, CURED),
    words={
        INVERTED: "PyTorch's dropout",
        UNSCALED: "unscaled dropout",
        CURED: "unscaled dropout, weights multiplied by 1 - p at inference",
    },
)
P = Factor("p", (0.1, 0.3, 0.5, 0.9))
ITSELF, MIXED, POSITIVE = "dropout itself", "a linear layer", "a linear layer of positive weights"
BEHIND = Factor(
    "behind", (ITSELF, MIXED, POSITIVE), words={ITSELF: "the dropout layer's own output"}
)
ROWS, UNITS, OUTPUTS = 64, 64, 16
EQUAL = 0.01  # of the eval value
TWICE = equals(2.0, within=0.04)
DOUBLES = "Unscaled at p = 0.5, the outputs at inference are twice their mean in training, to 2 %."

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-quick-2",
        Value("eval_over_train").at(scaling=INVERTED),
        equals(1.0, within=EQUAL),
        reading="Nothing to change at inference: with the weights as they are, outputs in eval "
        "mode are the mean over masks of those in train mode, to 1 %.",
        headline={"p": 0.5, "behind": MIXED},
    ),
    *(
        Claim(
            claim,
            Value("eval_over_train").at(scaling=UNSCALED, p=0.5, behind=POSITIVE),
            TWICE,
            reading=DOUBLES,
            headline=True,
        )
        for claim in ("D-drop-3", "D-intro-4")
    ),
    Claim(
        "D-drop-3",
        Value("eval_over_train").at(scaling=CURED, p=0.5, behind=POSITIVE),
        equals(1.0, within=0.02),
        reading="With all weights behind it multiplied by 1 - p, they are that mean, to 2 %.",
    ),
    *(
        Beyond(
            "D-drop-3",
            Value("eval_over_train").at(scaling=UNSCALED, p=p, behind=POSITIVE),
            equals(1 / (1 - p), within=0.02 / (1 - p)),
            why="another p than one half",
            reading="The outputs at inference are 1 / (1 - p) times their mean in training.",
        )
        for p in (0.1, 0.3, 0.9)
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share: activations, weights by what stands behind, passes."""

    x: Tensor
    weights: dict[str, Tensor]
    passes: int


def prepare(block: Block) -> Cell:
    """Activations behind a ReLU, and the weights of the layers behind them."""
    x = torch.randn(ROWS, UNITS, device=block.device).relu()
    mixed = torch.randn(UNITS, OUTPUTS, device=block.device)
    weights = {ITSELF: torch.eye(UNITS, device=block.device), MIXED: mixed, POSITIVE: mixed.abs()}
    return Cell(x, weights, block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Average over masks in train mode, and compare with eval mode."""
    p, weight = arm[P], cell.weights[arm[BEHIND]]
    layer = nn.Dropout(p) if arm[SCALING] == INVERTED else unscaled(p)
    layer.train()
    total = torch.zeros(ROWS, weight.shape[1], dtype=torch.float64, device=weight.device)
    for _ in range(cell.passes):
        masked = layer(cell.x.expand(50, ROWS, UNITS))
        total += (masked @ weight).double().mean(dim=0)
    kept = 1 - p if arm[SCALING] == CURED else 1.0
    evaluated = layer.eval()(cell.x) @ (kept * weight)
    return {"eval_over_train": 1 / slope(total / cell.passes, evaluated.double())}


def slope(y: Tensor, x: Tensor) -> float:
    """Of the line through the origin that fits y to x by least squares."""
    return ((x * y).sum() / (x * x).sum()).item()


def magnitude(table: pd.DataFrame) -> Figure:
    """Outputs at inference over their mean in training, by p and kind of dropout."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[(table["response"] == "eval_over_train") & (table["behind"] == POSITIVE)]
    p = np.linspace(0, 0.92, 100)
    axes.plot(p, 1 / (1 - p), color=VERMILION, alpha=0.4, linewidth=1.5)
    axes.axhline(1, color=BLACK, linewidth=1)
    marks = zip(SCALING.levels, (BLUE, VERMILION, GREEN), (-0.015, 0, 0.015), strict=True)
    for scaling, colour, shift in marks:
        for place, rate in enumerate(P.levels):
            values = rows[(rows["scaling"] == scaling) & (rows["p"] == rate)]["value"]
            draw_blocks(
                axes,
                rate + shift,
                values.to_numpy(np.float64),
                colour=colour,
                width=0.006,
                label=SCALING.say(scaling) if place == 0 else None,
            )
    axes.set_yscale("log")
    axes.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axes.minorticks_off()
    axes.set_xticks(P.levels)
    axes.set_xlabel("dropout rate p")
    axes.set_ylabel("output in eval mode over\nits mean in train mode")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", fontsize=16)
    found = rows[(rows["scaling"] == UNSCALED) & (rows["p"] == 0.5)]["value"]
    figure.suptitle(
        f"Unscaled dropout at p = 0.5 makes the outputs at inference {told(found, '.3f')}\n"
        f"times those in training; PyTorch's leaves them alone (CPU; dots: "
        f"{table['block'].nunique()} seeds; line: 1 / (1 - p))",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Is what follows dropout the same on average in train mode as it is in eval mode?",
    factors=(SCALING, P, BEHIND),
    responses=(
        Response("eval_over_train", "1", "outputs in eval mode over their mean in train mode"),
    ),
    blocks=PerProfile(3, 20, 40),
    effort=PerProfile(5, 10, 10),  # times 50 masks for each row
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(magnitude,),
)
