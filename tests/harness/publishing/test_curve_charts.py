"""Curves by epoch: medians, bands, scales."""

from __future__ import annotations

import itertools

import pytest

from harness.design.factors import Factor, joined
from harness.design.responses import Response
from harness.publishing.curve_charts import (
    BOTTOM,
    CHART_HEIGHT,
    TOP,
    Read,
    curve_charts,
    legend,
    scale_over,
    style_of,
)
from tests.harness.publishing.planted_rows import planted

BUG = Factor("bug", ("late", "none", "soon"), control="none", words={"none": "correct"})
CASE = Factor("case", ("wine", "digits"))
LOSS = Response("loss", "nat", "training loss")


def heights(points: str) -> list[float]:
    return [float(point.partition(",")[2]) for point in points.split()]


def test_a_curve_is_the_median_and_its_band_goes_to_the_ends() -> None:
    found = planted((BUG, CASE), {LOSS: lambda _, block: [1.0 + block, 2.0, 4.0 - block]})
    wine, digits = curve_charts(found, "bug", ("case",), [Read("loss")], show="show", name="bug")
    assert (wine.when, digits.when) == ("case=wine&show=loss", "case=digits&show=loss")
    assert wine.what == "training loss (nat)"
    assert [curve.label for curve in wine.curves] == ["correct", "late", "soon"]
    assert [curve.when for curve in wine.curves] == ["", "bug=late", "bug=soon"]
    assert wine.curves[1].told == ("2 (1 to 3)", "2 (2 to 2)", "3 (2 to 4)")
    assert wine.epochs == (1, 2, 3)
    up, down = heights(wine.curves[0].band)[:3], heights(wine.curves[0].band)[3:]
    assert up[0] < heights(wine.curves[0].middle)[0] < down[-1]  # the top is 0
    assert up[1] == heights(wine.curves[0].middle)[1] == down[1]
    assert [curve.label for curve in legend([wine, digits])] == ["correct", "late", "soon"]


def test_zeros_lie_at_the_lower_edge_of_a_logarithmic_scale() -> None:
    found = planted((BUG, CASE), {LOSS: lambda arm, _: [1000.0, 1.0, float(arm["bug"] == "late")]})
    chart, _ = curve_charts(found, "bug", ("case",), [Read("loss", 0)], show="show")
    assert chart.logarithmic
    assert chart.zeros
    assert heights(chart.curves[0].middle)[-1] == CHART_HEIGHT - BOTTOM
    assert min(y for y, _ in chart.y_ticks) >= TOP
    assert chart.epochs == (0, 1, 2)
    assert all(curve.when == "" for curve in chart.curves)


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [
        ([1, 2], False),
        ([0.01, 2], True),
        ([0, 0.01, 2], True),
        ([-1, 0.01, 2], False),
        ([0], False),
    ],
)
def test_a_scale_is_logarithmic_where_positive_numbers_lie_far_apart(
    values: list[float], logarithmic: bool
) -> None:
    assert scale_over([*values, float("nan"), float("inf")]).logarithmic == logarithmic


def test_no_number_at_all_still_gives_a_scale() -> None:
    assert scale_over([float("nan")]).at(0.0) == 50


def test_a_level_that_joins_two_is_shown_where_both_are_chosen() -> None:
    pair = Factor("bug", ("none", "a", "b", joined("a", "b")), control="none")
    chart, _ = curve_charts(
        planted((pair, CASE), {LOSS: lambda _, __: [1.0]}),
        "bug",
        ("case",),
        [Read("loss")],
        show="show",
        name="bug",
    )
    assert [curve.when for curve in chart.curves] == ["", "bug=a", "bug=b", "bug=a&bug=b"]


def test_pairs_that_share_a_name_are_drawn_in_different_styles() -> None:
    singles = ["none", "a", "b", "c", "d", "e", "f"]
    style = {
        pair: style_of(joined(*pair), singles) for pair in itertools.combinations(singles[1:], 2)
    }
    for one, other in itertools.combinations(style, 2):
        assert not {*one} & {*other} or style[one] != style[other]
    assert {*map(style_of, singles, [singles] * 7)}.isdisjoint(style.values())


def test_an_arm_without_rows_has_no_curve() -> None:
    found = planted((BUG, CASE), {LOSS: lambda arm, _: [] if arm["bug"] == "soon" else [1.0]})
    chart, _ = curve_charts(found, "bug", ("case",), [Read("loss")], show="show", name="bug")
    assert [curve.label for curve in chart.curves] == ["correct", "late"]
