"""Repeated validations of the same weights as charts: a panel for each mode, a line a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.publishing.curve_charts import CHART_HEIGHT, TOP
from harness.publishing.explored import Explored, cells, when
from harness.publishing.interval_plot import WIDTH, Scale
from harness.words import number

if TYPE_CHECKING:
    import pandas as pd

#: Room in the units of the drawing: for the numbers at the left, between panels, below them.
LEFT, GAP, FOOT, PANELS_WIDTH = 58, 14, 30, 640
#: Accuracies are shown in per cent.
PER_CENT = 100.0


@dataclass(frozen=True)
class Panel:
    """One mode.

    Attributes:
        label: what the mode is.
        left: where the panel begins.
        width: of it.
        spans: the way of a pen from the lowest to the highest validation of each training.
        dots: to the middle one of each.
        truths: along the accuracy of each in the mode that others are compared with; empty in it.
        told: what stands in the table: accuracy, spread and bias in words.
    """

    label: str
    left: float
    width: float
    spans: str
    dots: str
    truths: str
    told: tuple[str, str, str]


@dataclass(frozen=True)
class SpreadChart:
    """All modes of one state."""

    when: str
    setting: str
    trainings: int
    repeats: int
    y_ticks: tuple[tuple[float, str], ...]
    panels: tuple[Panel, ...]


def spread_charts(of: Explored, chosen: Sequence[str]) -> list[SpreadChart]:
    """A chart for each setting.

    Args:
        of: an experiment that reads "accuracy" again and again, in the levels of a factor "mode".
        chosen: the factors that a reader chooses the setting by.
    """
    factors = [of.factor(name) for name in chosen]
    charts = []
    for levels, rows in cells(of.of("accuracy"), factors):
        words = [f.phrase(level) for f, level in zip(factors, levels, strict=True)]
        state = when(dict(zip(chosen, levels, strict=True)))
        charts.append(_chart(rows, of, state, ", ".join(filter(None, words))))
    return charts


def _chart(rows: pd.DataFrame, of: Explored, state: str, setting: str) -> SpreadChart:
    mode = of.factor("mode")
    by = rows.assign(value=PER_CENT * rows["value"]).groupby(["mode", "block"])["value"]
    spans = by.agg(["min", "median", "max", "mean", "std"])
    control = mode.levels[0] if mode.control is None else mode.control
    known = [level for level in mode.levels if level in set(rows["mode"])]
    of_control = spans[spans.index.get_level_values("mode") == control].droplevel("mode")
    truth = of_control["mean"]
    scale = Scale.over([float(value) for value in spans[["min", "max"]].to_numpy().ravel()])
    width = (PANELS_WIDTH - LEFT - GAP * (len(known) - 1)) / len(known)
    panels = []
    for place, level in enumerate(known):
        left = LEFT + place * (width + GAP)
        own = spans.loc[level]
        placed = own.loc[truth.reindex(own.index).sort_values(kind="stable").index]
        step = width / (len(placed) + 1)
        at = [round(left + step * (nth + 1)) for nth in range(len(placed))]
        low, middle, high, true = (
            [_height(scale, float(value)) for value in values]
            for values in (
                placed["min"],
                placed["median"],
                placed["max"],
                truth.reindex(placed.index).fillna(placed["median"]),
            )
        )
        panels.append(
            Panel(
                label=mode.say(level),
                left=round(left, 1),
                width=round(width, 1),
                spans="".join(f"M{x} {a:g}V{b:g}" for x, a, b in zip(at, low, high, strict=True)),
                dots="".join(f"M{x} {y:g}h0" for x, y in zip(at, middle, strict=True)),
                truths=""
                if level == control
                else "".join(f"M{x - 4} {y:g}h8" for x, y in zip(at, true, strict=True)),
                told=_told(own, None if level == control else truth),
            )
        )
    return SpreadChart(
        state,
        setting,
        int(rows["block"].nunique()),
        int(rows["round"].nunique()),
        tuple((_from_above(at), text) for at, text in scale.ticks()),
        tuple(panels),
    )


def _told(own: pd.DataFrame, truth: pd.Series[float] | None) -> tuple[str, str, str]:
    """The middle training's accuracy, spread between validations, and distance from the control."""
    spread = _over(own["std"]) if bool(own["std"].notna().all()) else "one validation"
    bias = "" if truth is None else _over(own["mean"] - truth, sign=True)
    return _over(own["mean"]), spread, bias


def _over(values: pd.Series[float], *, sign: bool = False) -> str:
    """The median of the trainings, and the lowest and highest of them."""
    low, middle, high = (float(v) for v in (values.min(), values.median(), values.max()))
    texts = [number(round(value, 2)) for value in (middle, low, high)]
    if sign:
        texts = [text if text.startswith("-") or text == "0" else f"+{text}" for text in texts]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _height(scale: Scale, value: float) -> float:
    """The height of a value, counted from above."""
    return _from_above(scale.at(value))


def _from_above(place: float) -> float:
    """The height of a place on the scale, counted from above."""
    return round(TOP + (CHART_HEIGHT - TOP - FOOT) * (1 - place / WIDTH), 1)
