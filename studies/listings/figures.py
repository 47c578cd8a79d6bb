"""Figures of printed numbers: against what their own seed gives, and what 20 others give."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.figures import BLACK, BLUE, GREEN, PURPLE, VERMILION
from harness.workloads.six_strategies import STRATEGIES as SIX
from studies.listings.possible import is_possible
from studies.listings.printed import DROPOUT, NUMBERS, STRATEGIES, WEIGHTS, Printed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: Where a number lies further from the range than this many of its widths, an arrow stands.
FURTHEST = 2.0


class Found(NamedTuple):
    """A printed number with what was found; NaN and empty where the cell failed."""

    number: Printed
    found: float
    others: NDArray[np.float64]

    @property
    def measured(self) -> bool:
        """Whether there is anything to draw."""
        return bool(np.isfinite(self.found)) and len(self.others) > 0

    @property
    def within(self) -> bool:
        """Whether the printed number lies in the range of the other seeds."""
        return self.measured and self.number.is_within(self.others.tolist())

    @property
    def impossible(self) -> bool:
        """Whether the range holds the printed number, and yet no count prints it."""
        return self.within and not is_possible(self.number.name)

    @property
    def same(self) -> bool:
        """Whether the document's seed gives the printed number."""
        return self.measured and self.number.is_as_printed(self.found)

    def in_ranges(self, value: float) -> float:
        """Where a value lies on a scale from the least (0) to the largest (1) of the others."""
        low, high = self.number.span(self.others.tolist())
        if high == low:
            return 0.5 + (value - low) / self.number.step
        return (value - low) / (high - low)


def found_in(table: pd.DataFrame) -> list[Found]:
    """All printed numbers with what the rows have of them."""
    rows = table[np.isfinite(table["value"])]
    found = []
    for number in NUMBERS:
        mine = rows[rows["number"] == number.name]
        own = mine.loc[mine["response"] == "found", "value"].to_numpy(np.float64)
        others = mine.loc[mine["response"] == "at_other_seeds", "value"].to_numpy(np.float64)
        found.append(Found(number, float(own[0]) if len(own) else float("nan"), others))
    return found


def printed_against_found(table: pd.DataFrame) -> Figure:
    """Every printed number on the scale of the range that the other seeds give."""
    from matplotlib.figure import Figure

    every = found_in(table)
    figure = Figure()
    panels = figure.subplots(1, 3)
    for axes, listing in zip(panels, (WEIGHTS, DROPOUT, STRATEGIES), strict=True):
        mine = [each for each in every if each.number.listing == listing]
        for row, each in enumerate(mine):
            _draw_number(axes, -row, each)
        axes.axvspan(0, 1, color=BLUE, alpha=0.15, lw=0)
        axes.set_yticks(range(0, -len(mine), -1), [_named(each) for each in mine], fontsize=11)
        axes.set_ylim(-len(mine) + 0.4, 0.6)
        edge = FURTHEST + 0.3
        axes.set_xlim(-edge, 1 + edge)
        axes.set_xticks([0, 1], ["0", "1"], fontsize=13)
        axes.set_title(listing, fontsize=14, loc="left")
        axes.grid(visible=False)
    panels[1].set_xlabel("0: the least, 1: the largest of 20 other seeds", fontsize=15)
    _legend(figure)
    measured = [each for each in every if each.measured]
    same = sum(each.same for each in measured)
    outside = sum(not each.within for each in measured)
    impossible = sum(each.impossible for each in measured)
    figure.suptitle(
        f"The document's seed gives {same} of {len(measured)} printed numbers; {outside} lie "
        f"outside all that 20\nother seeds give, {impossible} inside are no possible count. "
        "Document D, CPU, one thread; a mark: one number",
        fontsize=18,
    )
    return figure


def _named(each: Found) -> str:
    return f"{each.number.name}  {each.number.text}".replace("-", "\N{MINUS SIGN}")


def _draw_number(axes: Axes, y: float, each: Found) -> None:
    """The printed number as a disc, and what its seed gives as a short line."""
    if not each.measured:
        axes.text(0.5, y, "failed", ha="center", va="center", fontsize=11)
        return
    own = each.in_ranges(float(each.number.as_text(each.found)))
    axes.plot(_inside(own), y, "|", color=BLACK, markersize=13, markeredgewidth=2.5)
    place = each.in_ranges(each.number.value)
    colour = PURPLE if each.impossible else GREEN if each.within else VERMILION
    shape = "o" if place == _inside(place) else ("<" if place < 0 else ">")
    shape = "X" if each.impossible else shape
    axes.plot(_inside(place), y, shape, color=colour, markersize=9, fillstyle="full")


def _inside(place: float) -> float:
    return min(max(place, -FURTHEST), 1 + FURTHEST)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], ls="", marker="o", color=GREEN, label="printed, inside"),
        Line2D([], [], ls="", marker="o", color=VERMILION, label="outside"),
        Line2D([], [], ls="", marker="X", color=PURPLE, label="inside, but no count prints it"),
        Line2D([], [], ls="", marker=">", color=VERMILION, label="over two ranges away"),
        Line2D([], [], ls="", marker="|", color=BLACK, label="the document's seed", ms=13, mew=2.5),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=5, fontsize=13)


#: The two accuracies of a strategy: colour, and where they stand beside its name.
SIDES = (("training", BLUE, 0.17), ("validation", GREEN, -0.17))


def strategy_table(table: pd.DataFrame) -> Figure:
    """The six strategies' printed accuracies against those of 20 seeds."""
    from matplotlib.figure import Figure

    every = {each.number.name: each for each in found_in(table)}
    figure = Figure()
    axes = figure.subplots()
    for row, strategy in enumerate(SIX):
        for what, colour, shift in SIDES:
            _draw_accuracy(axes, shift - row, every[f"{strategy}: {what}"], colour)
    axes.set_yticks(range(0, -len(SIX), -1), list(SIX))
    axes.set_xlabel("accuracy on training rows (above) and validation rows (below)")
    axes.grid(visible=False, axis="y")
    _strategy_legend(axes)
    validations = [every[f"{strategy}: validation"] for strategy in SIX]
    inside = sum(each.within for each in validations)
    first = every["baseline: gap"]
    gap = f"{np.median(first.others):.3f}" if first.measured else "not measured"
    claimed = f"the baseline's gap is {gap}, printed as {first.number.text}"
    figure.suptitle(
        f"{inside} of {len(SIX)} printed validation accuracies lie where 20 seeds do; {claimed}\n"
        "Listing 3, 600 validation rows, CPU; a dot: one seed; gap: their median",
        fontsize=18,
    )
    return figure


def _draw_accuracy(axes: Axes, y: float, each: Found, colour: str) -> None:
    if not each.measured:
        axes.text(
            0.02, y, "failed", color=colour, va="center", transform=axes.get_yaxis_transform()
        )
        return
    axes.plot(
        [each.others.min(), each.others.max()],
        [y, y],
        color=colour,
        lw=9,
        alpha=0.25,
        solid_capstyle="butt",
    )
    axes.plot(each.others, np.full(len(each.others), y), ".", color=colour, markersize=6, alpha=0.6)
    axes.plot(each.found, y, "|", color=BLACK, markersize=16, markeredgewidth=2.5)
    axes.plot(each.number.value, y, "D", color=VERMILION, markeredgecolor="white", markersize=11)


def _strategy_legend(axes: Axes) -> None:
    marks = [
        *(axes.plot([], [], color=c, lw=9, alpha=0.4, label=what)[0] for what, c, _ in SIDES),
        axes.plot([], [], "|", color=BLACK, markersize=16, mew=2.5, label="the document's seed")[0],
        axes.plot([], [], "D", color=VERMILION, label="printed")[0],
    ]
    axes.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=4)
