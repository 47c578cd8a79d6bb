"""What does document D's drop path drop, how often, and what is its scale in each mode?

The text says that a block is dropped with probability 0.1 in training and that at inference all
blocks act, scaled by the survival probability. The listing divides by the survival probability in
training and leaves inference as it is. A hundred thousand rows of small images, all ones, go
through the listed drop path: what comes back says of each row whether it was dropped as a whole,
scaled as a whole, or neither, and what its mean is. By chance alone shares and means of so many
rows stray by a tenth of what is allowed, so that every block has to keep within it.

Both ways of scaling keep the expectation, each in its own place; only one of them can be what a net
does. The claim about inference is judged on the document's own class. Beside it stand planted
ones: without the division, and with the mask of the classic method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, VERMILION, device_of, draw_blocks
from harness.libraries import functional, torch
from studies.listings.snippets import SURVIVAL, drop_path

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

ROWS, IMAGE = 100_000, (2, 2, 2)
STATED, NEAR = 0.1, 0.01
LISTED, UNSCALED, SINGLE_NUMBERS = "as listed", "without the division", "number by number"
LAYER = Factor(
    "layer",
    (LISTED, UNSCALED, SINGLE_NUMBERS),
    words={
        LISTED: "the listed drop path",
        UNSCALED: "a drop path without the division",
        SINGLE_NUMBERS: "ordinary dropout",
    },
)
PROBABILITY = Factor("survival", (SURVIVAL, 0.8, 0.5), label="survival")
OWN: Mapping[str, Level] = {"layer": LISTED, "survival": SURVIVAL}
_OTHERS: Mapping[str, Level | tuple[Level, ...]] = {"layer": LISTED, "survival": (0.8, 0.5)}
_RARER = "another survival probability than the listed one"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-adv-4",
        Value("eval_factor").at(**OWN).always(),
        equals(SURVIVAL, 1e-6),
        reading="At inference a block is scaled by its survival probability: the document's own "
        "class multiplies by 0.9 in eval mode.",
        headline=True,
    ),
    Claim(
        "D-adv-6",
        Value("partly").at(**OWN).always(),
        equals(0.0),
        reading="The entire block is dropped: of no row is a part dropped, or scaled by anything "
        "but 1 / 0.9.",
    ),
    Claim(
        "D-adv-6",
        Value("dropped").at(**OWN).always(),
        between(STATED - NEAR, STATED + NEAR),
        reading="With probability 0.1: of 100,000 rows in train mode 9 to 11 % are dropped.",
        headline=True,
    ),
    Claim(
        "D-list5-5",
        Value("mean_factor").at(**OWN).always(),
        equals(1.0, NEAR),
        reading="It keeps the expectation: over 100,000 rows of ones the mean in train mode is 1, "
        "within a hundredth.",
        headline=True,
    ),
    Beyond(
        "D-adv-6",
        Value("alike").at(**OWN).always(),
        equals(1.0),
        why="one draw for the whole batch, which skipping a block takes and the text does not ask",
        reading="All rows of a batch are dropped or none.",
    ),
    Beyond("D-adv-6", Value("partly").at(**_OTHERS).always(), equals(0.0), why=_RARER),
    Beyond("D-list5-5", Value("mean_factor").at(**_OTHERS).always(), equals(1.0, NEAR), why=_RARER),
    Control(
        "a mean without the division is seen to be 0.9",
        Value("mean_factor").at(layer=UNSCALED, survival=SURVIVAL).always(),
        equals(SURVIVAL, NEAR / 2),
    ),
    Control(
        "rows that are dropped in part are seen",
        Value("partly").at(layer=SINGLE_NUMBERS, survival=SURVIVAL).always(),
        between(0.5, 1.0),
    ),
)


def layer_of(name: str, survival: float) -> Callable[[Tensor, bool], Tensor]:
    """A layer by its name, as a function of the input and of whether it trains."""

    def layer(x: Tensor, training: bool) -> Tensor:
        if name == SINGLE_NUMBERS:
            return functional.dropout(x, 1 - survival, training)
        out = drop_path(x, training=training, survival=survival)
        return out * survival if name == UNSCALED and training else out

    return layer


def measure(block: Block, arm: Arm) -> Responses:
    """Ones through a layer in both modes; of each row how much came back."""
    survival = arm[PROBABILITY]
    layer = layer_of(arm[LAYER], survival)
    rows = torch.ones((ROWS, *IMAGE), device=block.device)
    back = layer(rows, True).flatten(1)
    gone = back == 0
    scaled = (back * survival - 1).abs() < 1e-6
    dropped = gone.all(dim=1)
    partly = ~dropped & ~scaled.all(dim=1)
    return {
        "dropped": dropped.double().mean().item(),
        "partly": partly.double().mean().item(),
        "mean_factor": back.double().mean().item(),
        "eval_factor": layer(rows, False).double().mean().item(),
        "alike": float(len(dropped.unique()) == 1),
    }


def scales(table: pd.DataFrame) -> Figure:
    """The mean factor in train mode and the factor in eval mode, by survival probability."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["layer"] == LISTED]
    for place, survival in enumerate(PROBABILITY.levels):
        of_one = rows[rows["survival"] == survival]
        for response, colour, shift, label in (
            ("mean_factor", BLUE, -0.15, "in train mode, mean over 100,000 rows"),
            ("eval_factor", ORANGE, 0.15, "in eval mode"),
        ):
            values = of_one[of_one["response"] == response]["value"].to_numpy(np.float64)
            draw_blocks(
                axes,
                place + shift,
                values,
                colour=colour,
                width=0.08,
                label=None if place else label,
            )
        axes.plot(
            [place - 0.3, place + 0.3],
            [survival, survival],
            color=VERMILION,
            linestyle="--",
            label=None if place else "what the text says of inference",
        )
    axes.axhline(1, color=BLACK, linewidth=1)
    axes.set_xticks(range(3), [f"survival {survival:g}" for survival in PROBABILITY.levels])
    axes.set_ylabel("what comes back of a 1 that goes in")
    axes.set_ylim(0.4, 1.1)
    axes.legend(loc="lower left")
    figure.suptitle(_headline(rows[rows["survival"] == SURVIVAL], table))
    return figure


def _headline(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    means = {
        name: rows[rows["response"] == name]["value"].median()
        for name in ("eval_factor", "mean_factor", "dropped")
    }
    return (
        f"In eval mode the listed drop path multiplies by {means['eval_factor']:.3f}; "
        "the text says 0.9\n"
        f"(survival 0.9; in train mode by {means['mean_factor']:.3f} on average, with "
        f"{100 * means['dropped']:.1f} % of rows dropped;\n"
        f"{device_of(table)}; dots: {table['block'].nunique()} seeds)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="What does the listed drop path drop, how often, and what is its scale?",
    factors=(LAYER, PROBABILITY),
    only=lambda arm: arm[LAYER] == LISTED or arm[PROBABILITY] == SURVIVAL,
    responses=(
        Response("dropped", "1", "share of rows that are dropped as a whole in train mode"),
        Response("partly", "1", "share of rows neither dropped nor scaled as a whole"),
        Response("mean_factor", "1", "mean of what comes back of ones in train mode"),
        Response("eval_factor", "1", "mean of what comes back of ones in eval mode"),
        Response("alike", "yes/no", "all rows of a batch are dropped or none"),
    ),
    measure=measure,
    blocks=PerProfile(3, 20, 50),
    claims=CLAIMS,
    figures=(scales,),
)
