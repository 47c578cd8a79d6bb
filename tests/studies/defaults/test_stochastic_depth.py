"""Stochastic depth: planted rates are read, found in the source and seen to act."""

from __future__ import annotations

import pytest
import torch

from harness.design.experiment import Noted
from harness.design.factors import Arm, Block
from studies.defaults.families import BERT, ROBERTA, build, default_config
from studies.defaults.fields import rates
from studies.defaults.stochastic_depth import (
    CERTAIN_ROWS,
    FAMILY,
    NONE,
    PLANTED,
    RATE,
    changes_of,
    measure,
    mentions,
)

BLOCK = Block(index=0, seed=1, shared_seed=0)


@pytest.mark.parametrize(("family", "rate", "acts"), [(PLANTED, RATE, 1.0), (NONE, 0.0, 0.0)])
def test_a_planted_rate_is_read_and_acts(family: str, rate: float, acts: float) -> None:
    torch.manual_seed(0)
    found = measure(BLOCK, Arm((("family", family),)))
    assert found["rate"] == Noted(rate, f"drop_path_rate {rate:g}")
    assert found["acts"] == acts
    assert found["mentions"] > 0  # type: ignore[operator]  # a number


@pytest.mark.parametrize("family", [f for f in FAMILY.levels if f not in (PLANTED, NONE)])
def test_only_ordinary_dropout_is_taken_out(family: str) -> None:
    name, changes = changes_of(family)
    assert name == family
    assert changes == dict.fromkeys(rates(default_config(name)), 0.0)


def test_mentions_are_counted_in_the_source_of_the_models_module() -> None:
    model = build(BERT)
    model.__class__ = type("Own", (type(model),), {"__module__": __name__})
    # Twice in words: stochastic depth, and drop_path, beside those of names above.
    assert mentions(model) >= 4
    assert ROBERTA in FAMILY.levels


def test_two_passes_that_lose_no_block_are_one_in_a_thousand_at_most() -> None:
    assert (1 - RATE) ** CERTAIN_ROWS < 2e-3
