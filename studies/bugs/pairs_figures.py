"""Which bug hides which: in how many runs the symptoms of one show beside another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import joined
from studies.bugs.cases import BUGS, NAMES, NONE
from studies.bugs.gallery_figures import CLAIMED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: A bug hides another, or brings it to light, where this share of the runs changes.
NOTABLE = 0.1


def hidden(table: pd.DataFrame) -> Figure:
    """In how many runs a bug's symptoms show: alone, and beside each of the others."""
    from matplotlib.figure import Figure

    shares = shown(table)
    alone = np.diag(shares)[:, None]
    hides = int((shares < alone - NOTABLE).sum())
    reveals = int((shares > alone + NOTABLE).sum())
    figure = Figure()
    axes = figure.subplots()
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        share = 100 * shares[row, column]
        axes.text(
            column,
            row,
            f"{share:.0f}",
            ha="center",
            va="center",
            fontsize=18,
            fontweight="bold" if row == column else "normal",
            color="white" if share > 60 else "black",
        )
    names = [NAMES[bug] for bug in BUGS]
    axes.grid(visible=False)
    axes.set_yticks(range(len(BUGS)), names, fontsize=14)
    axes.set_xticks(range(len(BUGS)), [name.replace(" ", "\n", 1) for name in names], fontsize=12)
    axes.set_xlabel("the other bug in the loop (bold: none)", fontsize=16)
    axes.set_ylabel("symptoms of", fontsize=16)
    figure.colorbar(image, label="runs that show them (%)")
    figure.suptitle(
        f"Beside another bug, a bug's symptoms show in fewer runs than alone in {hides} of "
        f"{shares.size - len(BUGS)} cases,\nin more in {reveals} (by {100 * NOTABLE:.0f} points "
        f"at least; {table['case'].nunique()} data sets of {table['block'].nunique()} seeds each)",
        fontsize=19,
    )
    return figure


def shown(table: pd.DataFrame) -> NDArray[np.float64]:
    """The share of runs in which switching a bug on moves its symptoms as the document says.

    Returns:
        Shape (bugs, bugs): of the bug of the row, in a loop with the bug of the column; on the
        diagonal in a loop with no other one. Mean over symptoms and data sets.
    """
    values = {
        (str(loop), str(response)): rows.set_index(["case", "block"])["value"].sort_index()
        for (loop, response), rows in table.groupby(["loop", "response"])
    }
    return np.array(
        [[_share(values, bug, NONE if other == bug else other) for other in BUGS] for bug in BUGS]
    )


def _share(values: dict[tuple[str, str], pd.Series[float]], bug: str, other: str) -> float:
    """Of the runs with another bug, the share that gets the symptoms when this one joins it."""
    both = bug if other == NONE else pair_of(bug, other)
    moved = [
        sign * (values[both, name] - values[other, name]) > 0 for name, sign in CLAIMED[bug].items()
    ]
    return float(np.mean([each.mean() for each in moved]))


def pair_of(one: str, other: str) -> str:
    """The loop with both, whichever comes first."""
    return joined(*sorted((one, other), key=BUGS.index))
