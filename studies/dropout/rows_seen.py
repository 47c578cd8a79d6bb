"""Which training rows does a sub-network see?

Twenty epochs over the digits' training rows, each row with a mask of its own from ``nn.Dropout``
with p = 0.5. Bagging trains each member on a random subset of the rows; random it is if which rows
a sub-network gets has nothing to do with what the rows are: the rate at which units are kept
differs by no more than a point between the ten classes. That is judged, at 32 units and more, as in
real networks (96 are listing 2's); so few units that all sub-networks could be enumerated are shown
beside.

How many different rows a sub-network that is trained at all was trained on is shown over the number
of units, and judges nothing: with so many more masks than draws arithmetic alone makes it one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, draw_blocks, told
from harness.libraries import nn, torch
from harness.workloads.samples import draw_sample

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

UNITS = Factor(
    "units", (4, 8, 12, 16, 32, 64, 96), words={n: f"{n} units" for n in (4, 8, 12, 16, 32, 64, 96)}
)
REAL, FEW = (32, 64, 96), (4, 8, 12, 16)
BATCH, BAGGED = 64, 1 - 1 / np.e

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-int-2",
        Value("kept_apart").at(units=REAL),
        at_most(0.01),
        reading="A random subset: which rows a sub-network sees has nothing to do with what they "
        "are; the share of units kept does not differ by more than a point between their classes.",
        headline={"units": 64},
    ),
    Beyond(
        "D-int-2",
        Value("kept_apart").at(units=FEW),
        at_most(0.01),
        why="so few units that all sub-networks could be enumerated",
    ),
    Beyond(
        "D-int-2",
        Value("rows"),
        at_least(2.0),
        why="the size of the subset, which the number of units decides by arithmetic",
        reading="A sub-network that is trained at all sees two different rows or more, on average, "
        "in twenty epochs.",
    ),
    Control(
        "four units have 16 masks, and all are trained",
        Value("trained").at(units=4).always(),
        equals(16.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Draw masks as a training does, and count."""
    labels = draw_sample("digits", [block.seed]).train.y[0]
    layer = nn.Dropout(0.5).train()
    order = torch.Generator().manual_seed(block.seed)
    seen, masks = [], []
    for _ in range(block.effort):
        for rows in torch.randperm(len(labels), generator=order).split(BATCH):
            seen.append(rows)
            masks.append(layer(torch.ones(len(rows), arm[UNITS])) != 0)
    rows, kept = torch.cat(seen).numpy(), torch.cat(masks).numpy()
    per_subnetwork = rows_by_mask(kept, rows)
    by_class = [kept[labels.numpy()[rows] == label].mean() for label in range(10)]
    return {
        "rows": per_subnetwork.mean(),
        "share": per_subnetwork.mean() / len(labels),
        "trained": float(len(per_subnetwork)),
        "kept_apart": max(by_class) - min(by_class),
    }


def rows_by_mask(kept: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many different rows met each mask that was drawn.

    Args:
        kept: shape (draws, units).
        rows: the number of the row of each draw.
    """
    packed = np.packbits(kept, axis=1)
    _, mask = np.unique(packed, axis=0, return_inverse=True)
    met = np.unique(np.stack([mask.reshape(-1), rows], axis=1), axis=0)
    return np.bincount(met[:, 0]).astype(np.float64)


def rows_by_units(table: pd.DataFrame) -> Figure:
    """The number of rows that a sub-network sees, by the number of units."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    rows = table[table["response"] == "rows"]
    for units in UNITS.levels:
        values = rows[rows["units"] == units]["value"].to_numpy(np.float64)
        draw_blocks(axes, units, values, colour=BLUE, width=0.05)
    axes.axhline(2, color=BLACK, linestyle="--", linewidth=1.5)
    axes.text(4, 2.15, "two rows", fontsize=16)
    bag = BAGGED * 899
    axes.axhline(bag, color=BLACK, linestyle=":", linewidth=1.5)
    axes.text(96, bag / 1.3, "a bag of bagging", ha="right", va="top", fontsize=16)
    axes.set_xticks(UNITS.levels, [str(units) for units in UNITS.levels])
    axes.minorticks_off()
    axes.set_xlabel("units under dropout (p = 0.5)")
    axes.set_ylabel("rows that a trained sub-network sees")
    found = rows[rows["units"] == 64]["value"]
    few = rows[rows["units"] == 8]["value"]
    axes.set_title(
        f"Of 64 units, a sub-network that is trained at all sees {told(found, '.3g')} rows;\n"
        f"of 8 units, {told(few, '.3g', interval=False)} (899 digits, CPU; dots: "
        f"{table['block'].nunique()} seeds)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="Which training rows does a sub-network see?",
    factors=(UNITS,),
    responses=(
        Response("rows", "rows", "number of different rows that a trained sub-network sees"),
        Response("share", "1", "share of the training rows that a trained sub-network sees"),
        Response("trained", "sub-networks", "number of sub-networks that are trained at all"),
        Response(
            "kept_apart",
            "1",
            "largest less smallest share of units kept among the ten classes of rows",
        ),
    ),
    blocks=PerProfile(3, 20, 40),
    effort=PerProfile(4, 20, 20),  # epochs
    measure=measure,
    claims=CLAIMS,
    figures=(rows_by_units,),
)
