"""Census: classes are counted as they were planted."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from harness.design.experiment import Noted
from harness.design.factors import Arm
from harness.figures.style import slide_style
from studies.defaults import census
from studies.defaults.census import (
    EVERYTHING,
    GROUP,
    PLANTED,
    TASKS,
    Defaults,
    measure,
    members,
    turned_on,
    turned_on_by_task,
)

RATES = st.dictionaries(st.sampled_from(["dropout", "classifier_dropout"]), st.floats(0, 1))
KINDS = st.builds(Defaults, RATES, RATES, RATES)


def number(value: object) -> float:
    return value.value if isinstance(value, Noted) else float(value)  # type: ignore[arg-type]


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.none(), KINDS), min_size=1))
def test_shares_are_those_of_a_count_by_hand(found: dict[str, Defaults | None]) -> None:
    made = [each for each in found.values() if each]
    if not made:
        return
    shares = measure(found, Arm((("group", EVERYTHING),)))
    on = [d for d in made if any(d.dropout.values())]
    off = [d for d in made if d.dropout and d not in on]
    body = [d for d in made if d.dropout.get("dropout", 0) > 0]
    assert number(shares["on"]) == pytest.approx(len(on) / len(made))
    assert number(shares["off"]) == pytest.approx(len(off) / len(made))
    assert number(shares["body_on"]) == pytest.approx(len(body) / len(made))
    assert number(shares["made"]) == pytest.approx(len(made) / len(found))


def test_what_could_not_be_made_is_named_and_counts_in_no_share() -> None:
    shares = measure(
        {"a": None, "b": Defaults({"dropout": 0.1}, {}, {})}, Arm((("group", EVERYTHING),))
    )
    assert shares["on"] == Noted(1.0, "of 1 classes; not made: a")
    assert shares["made"] == 0.5


def test_a_class_that_cannot_be_made_is_none_and_ends_no_census(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise ArithmeticError

    monkeypatch.setattr(transformers, "CONFIG_MAPPING", {"broken": broken})
    assert census.defaults_of("broken") is None


def test_groups_are_parts_of_the_census() -> None:
    everything = dict.fromkeys(["bert", "gpt2", "vit", "none of them"])
    assert set(members(everything, EVERYTHING)) == set(everything)
    parts = [set(members(everything, task)) for task in TASKS]
    assert all(part < set(everything) for part in parts)
    assert "bert" in members(everything, "masked language models")
    assert len(members(everything, PLANTED)) == 3


def test_any_rate_above_0_turns_on() -> None:
    assert turned_on({"a": 0.0, "b": 0.1})
    assert not turned_on({"a": 0.0})
    assert not turned_on({})


def test_a_group_that_failed_is_shown_as_failed() -> None:
    rows = [
        {"group": group, "response": response, "value": math.nan if group == EVERYTHING else 0.25}
        for group in GROUP.levels
        for response in ("on", "off", "classes")
    ]
    with slide_style():
        figure = turned_on_by_task(pd.DataFrame(rows))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["failed", "25 %", "25 %", "25 %"]
