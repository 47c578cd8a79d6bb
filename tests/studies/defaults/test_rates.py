"""Rates: fields go to the places they are meant for, and what is read is what was set."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from harness.design.experiment import Noted
from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.defaults.rates import (
    ATTENTION,
    EMBEDDINGS,
    EXPERIMENT,
    FAMILY,
    HEAD,
    HIDDEN,
    INSIDE,
    LARGEST,
    MIDDLE,
    PLACE,
    PLANTED,
    PLANTED_RATE,
    measure,
    place_of,
    rate_at,
    rates_by_family,
)

BLOCK = Block(index=0, seed=1, shared_seed=0)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("attention_probs_dropout_prob", ATTENTION),
        ("attn_pdrop", ATTENTION),
        ("hidden_dropout_prob", HIDDEN),
        ("resid_pdrop", HIDDEN),
        ("embd_pdrop", EMBEDDINGS),
        ("mlp_dropout", INSIDE),
        ("classifier_dropout", HEAD),
        ("summary_first_dropout", HEAD),
    ],
)
def test_a_field_is_for_the_place_that_its_name_says(name: str, place: str) -> None:
    assert place_of(name) == place


def test_the_largest_and_the_middle_leave_out_heads() -> None:
    found = {"attn_pdrop": 0.1, "embd_pdrop": 0.0, "resid_pdrop": 0.3, "summary_dropout": 0.9}
    assert rate_at(found, LARGEST)[0] == 0.3
    assert rate_at(found, MIDDLE)[0] == 0.1
    assert rate_at(found, HEAD) == (0.9, "summary_dropout 0.9")
    assert math.isnan(rate_at(found, INSIDE)[0])


def test_a_family_without_fields_has_no_rate_rather_than_a_rate_of_0() -> None:
    rate, said = rate_at({}, LARGEST)
    assert math.isnan(rate)
    assert said == "no field"


def test_a_rate_that_was_set_is_read() -> None:
    found = measure(BLOCK, Arm((("family", PLANTED), ("place", ATTENTION))))["rate"]
    assert isinstance(found, Noted)
    assert found.value == PLANTED_RATE
    assert found.note == "attention_probs_dropout_prob 0.3"


def test_the_title_counts_the_families_about_a_tenth() -> None:
    rows = [
        {"family": family, "place": place, "block": 0, "response": "rate", "value": rate}
        for family, rate in zip(FAMILY.levels, (0.1, 0.05, 0.16, 0.2, 0.0, 0.1, 0.3), strict=False)
        for place in PLACE.levels
    ]
    with slide_style():
        figure = rates_by_family(pd.DataFrame(rows))
    assert "about 0.1 in 3 of 7" in figure.get_suptitle()
    assert EXPERIMENT.figures == (rates_by_family,)
