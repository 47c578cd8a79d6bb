"""The matrix of the six calls and of what each of them changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.figures import BLUE, SKY
from studies.step_anatomy.orders import CALLS, OPERATIONS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What the columns are called, by the levels of the factor.
COLUMNS = {
    "outputs": "outputs",
    "loss": "loss",
    "gradients": ".grad",
    "weights": "weights",
    "batch norm's averages": "batch norm's\naverages",
    "optimiser's state": "optimiser's\nstate",
    "learning rate": "learning\nrate",
}
OPTIMISERS = ("SGD", "Adam")


def what_changes(table: pd.DataFrame) -> Figure:
    """Which call changes what, with either optimiser."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    changes: dict[str, list[str]] = {thing: [] for thing in COLUMNS}
    for row, call in enumerate(OPERATIONS):
        for column, thing in enumerate(COLUMNS):
            by = changed_by(table, call, thing)
            if by is None:
                axes.text(column, row, "no value", ha="center", va="center", fontsize=14)
                continue
            if by:
                changes[thing].append(CALLS[call])
            _draw_cell(axes, column, row, by)
    axes.set(xlim=(-0.5, len(COLUMNS) - 0.5), ylim=(len(OPERATIONS) - 0.5, -0.5))
    axes.set_xticks(range(len(COLUMNS)), list(COLUMNS.values()), fontsize=16)
    axes.xaxis.tick_top()
    names = [f"{place}. {CALLS[call]}" for place, call in enumerate(OPERATIONS, 1)]
    axes.set_yticks(range(len(OPERATIONS)), names)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    weights = " and ".join(changes["weights"]) or "no call"
    several = [thing for thing, calls in changes.items() if len(calls) > 1]
    more = f"; {', '.join(several)} by {_of_all(changes, several)}" if several else ""
    forward = [thing for thing in COLUMNS if CALLS[OPERATIONS[0]] in changes[thing]]
    pairs = sum(map(len, changes.values()))
    figure.suptitle(
        f"{pairs} of {len(OPERATIONS) * len(COLUMNS)} cells change: the weights by {weights} alone"
        f"{more};\na forward pass changes {' and '.join(forward) or 'nothing'}  (a cell: any bit "
        f"differs after the call, {table['block'].nunique()} seeds, CPU)",
        fontsize=18,
    )
    return figure


def _of_all(changes: dict[str, list[str]], things: list[str]) -> str:
    calls = dict.fromkeys(call for thing in things for call in changes[thing])
    return " and ".join(calls)


def changed_by(table: pd.DataFrame, call: str, thing: str) -> list[str] | None:
    """The optimisers with which a call changes a thing, in any seed; None where there is no value.

    Args:
        table: of observations.
        call: one of ``OPERATIONS``.
        thing: one of ``COLUMNS``.
    """
    mine = table[(table["response"] == "changed") & (table["thing"] == thing)]
    mine = mine[(mine["call"] == call) & mine["value"].notna()]
    if set(mine["optimiser"]) != set(OPTIMISERS):
        return None
    changed = mine[mine["value"] > 0]
    return [name for name in OPTIMISERS if (changed["optimiser"] == name).any()]


def _draw_cell(axes: Axes, column: int, row: int, by: list[str]) -> None:
    from matplotlib.patches import Rectangle

    box = Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor="#F2F2F2")
    if by:
        box.set_facecolor(BLUE if len(by) == len(OPTIMISERS) else SKY)
    axes.add_patch(box)
    words = "" if len(by) in (0, len(OPTIMISERS)) else f"{by[0]} only"
    if by and not words:
        words = "changed"
    colour = "white" if len(by) == len(OPTIMISERS) else "black"
    axes.text(column, row, words, ha="center", va="center", fontsize=15, color=colour)
