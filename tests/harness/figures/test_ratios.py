"""The figure of a comparison: every ratio is in it, and what gave none says so."""

from __future__ import annotations

import math

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.figures.ratios import headline, ratios_figure
from harness.figures.style import slide_style
from harness.judging.intervals import Interval
from harness.judging.regressions import Finding, Report, Word


def finding(name: str, word: Word, head: Interval | None) -> Finding:
    values = (math.nan, 1.0) if head is None else (head.low, head.high)
    control = Interval(1.0, 0.999, 1.001)
    return Finding(Benchmark(name), word, "", 1e-4, head, control, values, 1e-5)


FINDINGS = (
    finding("slow", "slower", Interval(2.5, 2.4, 2.6)),
    finding("open", "inconclusive", Interval(1.0, -math.inf, math.inf)),
    finding("gone", "broken", None),
)


@pytest.mark.parametrize("findings", [FINDINGS, FINDINGS[2:], FINDINGS[1:2]])
def test_every_finding_has_its_line_and_every_estimate_is_inside(
    findings: tuple[Finding, ...],
) -> None:
    with slide_style():
        figure = ratios_figure(Report(findings, "regression", ""), "head against base")
        figure.canvas.draw()
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [f.benchmark.name for f in reversed(findings)]
    low, high = axes.get_xlim()
    assert all(low < f.head.estimate < high for f in findings if f.head)
    texts = [text.get_text().strip() for text in axes.texts]
    assert texts == ["no number"] * sum(f.head is None for f in findings)


def test_a_narrow_figure_has_ticks_to_read_ratios_by() -> None:
    near = (finding("near", "inconclusive", Interval(1.02, 0.98, 1.06)),)
    with slide_style():
        figure = ratios_figure(Report(near, "inconclusive", ""), "head against base")
        figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert len(ticks) >= 4
    written = {float(label.get_text()) for label in figure.axes[0].get_xticklabels()}
    assert all(any(abs(tick - each) < 1e-9 for each in written) for tick in ticks)


def test_the_worst_words_come_first_in_the_title() -> None:
    said = headline(Report(tuple(reversed(FINDINGS)), "regression", ""))
    assert said == "3 benchmarks: 1 slower, 1 broken, 1 inconclusive"
