"""Curves by epoch as charts: for each arm the median of all seeds, and a band to the ends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.design.factors import names_of
from harness.publishing.explored import Explored, cells, when
from harness.publishing.interval_plot import WIDE, WIDTH, Scale
from harness.words import number

if TYPE_CHECKING:
    import pandas as pd

    from harness.design.factors import Factor, Level

#: A chart's room in the units of its drawing, and what the axes take of it.
CHART_WIDTH, CHART_HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 44
#: The style sheet has so many styles of curves for single levels, and as many for joined ones.
STYLES = 7
#: About so many numbers are written below a chart.
X_TICKS = 6


@dataclass(frozen=True)
class Read:
    """A response that has a curve: its name, and the epoch of its first round."""

    response: str
    first: int = 1


@dataclass(frozen=True)
class Curve:
    """One arm's curve.

    Attributes:
        when: the state in which it is shown; empty where that is always.
        label: what the arm is.
        style: a number for the style sheet: colour, dashes.
        band: the corners of the area from the lowest to the highest seed.
        middle: the corners of the median.
        told: median, lowest and highest at the first epoch, half-way and at the last one.
    """

    when: str
    label: str
    style: int
    band: str
    middle: str
    told: tuple[str, str, str]


@dataclass(frozen=True)
class CurveChart:
    """A chart of one response in one state.

    Attributes:
        when: the state in which it is shown.
        setting: the state in words.
        what: what the curves show, with the unit.
        epochs: the first epoch, that half-way, the last one.
        x_ticks: places and texts.
        y_ticks: likewise.
        logarithmic: whether equal steps upward are equal factors.
        zeros: whether numbers of 0 lie at a logarithmic chart's lower edge.
        curves: first that which the others are compared with.
    """

    when: str
    setting: str
    what: str
    epochs: tuple[int, int, int]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    logarithmic: bool
    zeros: bool
    curves: tuple[Curve, ...]


def curve_charts(
    of: Explored,
    along: str,
    chosen: Sequence[str],
    reads: Sequence[Read],
    *,
    show: str,
    name: str = "",
) -> list[CurveChart]:
    """A chart for each setting and each response.

    Args:
        of: an experiment whose responses have one round an epoch.
        along: the factor whose levels are the curves; its control is always shown. A level that
            joins several names is shown where all of them are chosen.
        chosen: the factors that a reader chooses the setting by.
        reads: the responses.
        show: by which the address tells the response.
        name: by which the address tells the factor's levels; empty where all are shown together.
    """
    factors = [of.factor(each) for each in chosen]
    charts = []
    for read in reads:
        response = of.response(read.response)
        what = response.meaning
        if response.unit != "1":
            what += f" ({response.unit})"
        for levels, rows in cells(of.of(read.response), factors):
            state: dict[str, object] = dict(zip(chosen, levels, strict=True))
            words = [f.say(level) for f, level in zip(factors, levels, strict=True)]
            setting = ", ".join(filter(None, words))
            frame = Frame.around(rows, read.first)
            charts.append(
                CurveChart(
                    when=when(state | {show: read.response}),
                    setting=setting,
                    what=what,
                    epochs=frame.epochs,
                    x_ticks=frame.x_ticks,
                    y_ticks=frame.y_ticks,
                    logarithmic=frame.scale.logarithmic,
                    zeros=frame.scale.logarithmic and bool((rows["value"] == 0).any()),
                    curves=tuple(_curves(rows, of.factor(along), frame, name)),
                )
            )
    return charts


@dataclass(frozen=True)
class Frame:
    """Where epochs and values lie in a chart.

    Attributes:
        scale: of the values.
        last: the last round; rounds count from 0.
        first: the epoch of the first one.
    """

    scale: Scale
    last: int
    first: int

    @classmethod
    def around(cls, rows: pd.DataFrame, first: int) -> Frame:
        """The frame that some rows fit in."""
        return cls(scale_over(rows["value"].tolist()), int(rows["round"].max()), first)

    @property
    def marks(self) -> tuple[int, int, int]:
        """The rounds that are told in numbers."""
        return 0, self.last // 2, self.last

    @property
    def epochs(self) -> tuple[int, int, int]:
        """Their epochs."""
        start, half, end = self.marks
        return self.first + start, self.first + half, self.first + end

    @property
    def x_ticks(self) -> tuple[tuple[float, str], ...]:
        """Epochs that are written below the chart."""
        every = max(1, math.ceil((self.last + 1) / X_TICKS))
        return tuple((self.x(at), str(self.first + at)) for at in range(0, self.last + 1, every))

    @property
    def y_ticks(self) -> tuple[tuple[float, str], ...]:
        """Values that are written beside it."""
        return tuple((_height(place), text) for place, text in self.scale.ticks())

    def x(self, at: int) -> int:
        """The place of a round."""
        return round(LEFT + (CHART_WIDTH - LEFT - RIGHT) * (at / self.last if self.last else 0.5))

    def points(self, values: pd.Series[float]) -> list[str]:
        """The corners of a line through values by round."""
        return [
            f"{self.x(int(str(at)))},{_height(self.scale.at(float(value))):g}"
            for at, value in values.items()
        ]


def _curves(rows: pd.DataFrame, along: Factor[Any], frame: Frame, name: str) -> Iterator[Curve]:
    """A curve for each level that has rows, the control's first."""
    control = along.levels[0] if along.control is None else along.control
    order = [control, *(level for level in along.levels if level != control)]
    for level in order:
        by_round = rows[rows[along.name] == level].groupby("round")["value"]
        if not by_round.ngroups:
            continue
        low, middle, high = by_round.min(), by_round.median(), by_round.max()
        start, half, end = (_told(at, low, middle, high) for at in frame.marks)
        yield Curve(
            when=_chosen(name, level) if name and level != control else "",
            label=along.say(level) or "as usual",
            style=style_of(level, order),
            band=" ".join([*frame.points(high), *reversed(frame.points(low))]),
            middle=" ".join(frame.points(middle)),
            told=(start, half, end),
        )


def _chosen(name: str, level: Level) -> str:
    """The state in which a level is shown: all names that it joins are chosen."""
    return "&".join(when({name: each}) for each in names_of(str(level)))


def style_of(level: Level, order: Sequence[Level]) -> int:
    """The number of a level's style.

    Levels that join two names and share one of them differ in it, whatever they are: the sum of
    two places, modulo an odd number that is not smaller than that of places, colours the edges of a
    complete graph. So three bugs that are switched on show three pairs that can be told apart.

    Args:
        level: one of them.
        order: all of them, in the order of the single ones' styles.
    """
    names = names_of(str(level))
    if len(names) == 1:
        return order.index(level)
    singles = [str(each) for each in order]
    return STYLES + sum(singles.index(name) for name in names) % STYLES


def legend(charts: Sequence[CurveChart]) -> list[Curve]:
    """Each arm that any of the charts shows, once."""
    return list({curve.label: curve for chart in charts for curve in chart.curves}.values())


def _told(at: int, low: pd.Series[float], middle: pd.Series[float], high: pd.Series[float]) -> str:
    """Median, lowest and highest of a round."""
    if at not in middle.index:
        return "no row"
    ends = f"{number(float(low[at]))} to {number(float(high[at]))}"
    return f"{number(float(middle[at]))} ({ends})"


def scale_over(values: Sequence[float]) -> Scale:
    """A scale for what is never below 0: logarithmic where the numbers above 0 lie far apart."""
    finite = [value for value in values if math.isfinite(value)]
    positive = [value for value in finite if value > 0]
    wide = bool(positive) and min(finite) >= 0 and max(positive) / min(positive) > WIDE
    return Scale.over(positive if wide else finite or [0.0])


def _height(place: float) -> float:
    """The height of a place on the scale, counted from above."""
    return round(TOP + (CHART_HEIGHT - TOP - BOTTOM) * (1 - place / WIDTH), 1)
