"""The figure of a comparison: head to base with its interval, a line a benchmark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.figures.style import BLACK, BLUE, GREEN, VERMILION
from harness.judging.regressions import REGRESSIONS, Finding, Report, Word
from harness.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The figure's name in the folder of its comparison.
NAME = "ratios"
GREY = "#888888"
#: A ratio is shown between these, whatever it is: one that lies farther stands at the edge.
SHOWN = (0.1, 10.0)
#: Ratios that span less than this need more ticks than a logarithmic axis gives.
NARROW = 3.0


def ratios_figure(report: Report, title: str) -> Figure:
    """Every benchmark's ratio with its interval, blocks as dots, margin as a band, control beneath.

    Args:
        report: what was found.
        title: what was compared; the finding is put before it.
    """
    from matplotlib.figure import Figure

    findings = list(reversed(report.findings))
    figure = Figure(figsize=(12.8, max(4.0, 2.6 + 0.55 * len(findings))))
    axes = figure.subplots()
    for place, finding in enumerate(findings):
        _draw(axes, place, finding)
    axes.axvline(1, color=BLACK, linewidth=1.2)
    axes.set_yticks(range(len(findings)), [_label(f) for f in findings], fontsize=14)
    axes.set_ylim(-0.7, len(findings) - 0.3)
    axes.grid(visible=False, axis="y")
    _limits(axes, report.findings)
    axes.set_xlabel("head to base and its copy (band: the margin; grey: base to its copy)")
    axes.set_title(f"{headline(report)}\n{title}", fontsize=17)
    return figure


def headline(report: Report) -> str:
    """How many benchmarks there are, and how many got which word."""
    return f"{plural(len(report.findings), 'benchmark')}: {report.counted}"


def _label(finding: Finding) -> str:
    name = finding.benchmark.name.rpartition("/")[2]
    return name if len(name) <= 40 else f"...{name[-37:]}"


def _draw(axes: Axes, place: int, finding: Finding) -> None:
    margin = finding.benchmark.margin
    low, high = 1 / (1 + margin), 1 + margin
    axes.fill_betweenx([place - 0.4, place + 0.4], low, high, color=BLACK, alpha=0.08, linewidth=0)
    if finding.head is None:
        axes.text(1, place, "  no number", color=VERMILION, va="center", fontsize=14)
        return
    values = np.asarray([v for v in finding.values if math.isfinite(v)])
    colour = _colour(finding.word)
    axes.plot(values, np.full(len(values), place), ".", color=colour, markersize=5, alpha=0.4)
    marks = [(finding.head, colour, 0.0, "D", 8.0)]
    if finding.control is not None:
        marks.append((finding.control, GREY, -0.25, "s", 5.0))
    for interval, shade, shift, mark, size in marks:
        ends = np.clip([interval.low, interval.high], *SHOWN)
        axes.plot(ends, [place + shift] * 2, color=shade, linewidth=2)
        estimate = np.clip(interval.estimate, *SHOWN)
        axes.plot([estimate], [place + shift], mark, color=shade, markersize=size)


def _colour(word: Word) -> str:
    if word in REGRESSIONS:
        return VERMILION
    if word in ("faster", "leaner", "mended"):
        return BLUE
    return GREEN if word == "same within the margin" else BLACK


def _limits(axes: Axes, findings: Sequence[Finding]) -> None:
    """Room for every interval, and never less than three margins to both sides."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    widest = max(1 + 3 * finding.benchmark.margin for finding in findings)
    ends = [1 / widest, widest]
    for finding in findings:
        for interval in (finding.head, finding.control):
            if interval is not None:
                ends += np.clip([interval.low, interval.high, interval.estimate], *SHOWN).tolist()
    low, high = min(ends), max(ends)
    room = (high / low) ** 0.03
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    if high / low < NARROW:
        axes.xaxis.set_major_locator(MaxNLocator(7))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.4g}")
    axes.xaxis.set_minor_formatter("{x:.4g}")
    axes.tick_params(axis="x", which="both", labelsize=13)
