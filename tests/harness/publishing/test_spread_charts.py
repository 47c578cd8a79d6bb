"""Repeated validations side by side: spread, bias, order."""

from __future__ import annotations

from harness.design.factors import Factor
from harness.design.responses import Response
from harness.publishing.spread_charts import spread_charts
from tests.harness.publishing.planted_rows import planted

MODE = Factor("mode", ("eval", "train"), control="eval", words={"eval": "eval mode"})
RATE = Factor("dropout", (0.1, 0.5), label="p")
ACCURACY = Response("accuracy", "1", "validation accuracy")


def test_spread_and_bias_are_those_of_the_trainings() -> None:
    def values(arm: object, block: int) -> list[float]:
        truth = 0.9 - block / 100
        is_eval = arm["mode"] == "eval"  # type: ignore[index]  # a mapping
        return [truth] * 2 if is_eval else [truth - 0.02, truth - 0.04]

    found = planted((RATE, MODE), {ACCURACY: values})
    low, high = spread_charts(found, ("dropout",))
    assert (low.when, high.when) == ("dropout=0.1", "dropout=0.5")
    assert low.setting == "p = 0.1"
    assert (low.trainings, low.repeats) == (3, 2)
    still, moving = low.panels
    assert still.label == "eval mode"
    assert still.told == ("89 (88 to 90)", "0 (0 to 0)", "")
    assert moving.told == ("86 (85 to 87)", "1.41 (1.41 to 1.41)", "-3 (-3 to -3)")
    assert still.truths == ""
    assert moving.truths.count("M") == moving.spans.count("V") == moving.dots.count("h0") == 3


def test_trainings_stand_in_the_order_of_the_controls_accuracy() -> None:
    found = planted((RATE, MODE), {ACCURACY: lambda _, block: [(block * 2) % 3 / 10]})
    (chart, _) = spread_charts(found, ("dropout",))
    heights = [float(dot.split()[1].rstrip("h0")) for dot in chart.panels[1].dots.split("M")[1:]]
    assert heights == sorted(heights, reverse=True)  # from low to high; the top is 0
    assert chart.panels[1].told[1] == "one validation"


def test_more_accurate_than_the_control_has_a_sign() -> None:
    found = planted((RATE, MODE), {ACCURACY: lambda arm, _: [0.5 + 0.1 * (arm["mode"] == "train")]})
    assert spread_charts(found, ("dropout",))[0].panels[1].told[2] == "+10 (+10 to +10)"
