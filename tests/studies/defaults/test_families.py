"""Families: small models keep the dropout of their defaults, and outputs compare as they should."""

from __future__ import annotations

import pytest
import torch

from studies.defaults.families import (
    BERT,
    FAMILIES,
    T5,
    VIT,
    batch,
    build,
    default_config,
    largest_gap,
    output,
    small_config,
    without_dropout,
)
from studies.defaults.fields import rates_by_kind

#: T5 is read and never built: it wants a text for its decoder too.
BUILT = [name for name in FAMILIES if name != T5]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", FAMILIES)
def test_small_models_keep_every_rate_of_the_default(name: str) -> None:
    assert rates_by_kind(small_config(name)) == rates_by_kind(default_config(name))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_rate_reaches_every_dropout_field_and_no_other(name: str) -> None:
    changed = rates_by_kind(small_config(name, without_dropout(name, 0.25)))
    default = rates_by_kind(default_config(name))
    assert changed["dropout"] == dict.fromkeys(default["dropout"], 0.25)
    assert changed["drop path"] == default["drop path"]


@pytest.mark.parametrize("name", BUILT)
def test_a_family_is_built_in_train_mode_and_answers_a_batch(name: str) -> None:
    model, x = build(name), batch(name, rows=3)
    assert model.training
    assert sum(p.numel() for p in model.parameters()) < 1e6
    answer = output(model, x)
    assert len(answer) == 3
    assert bool(torch.isfinite(answer).all())
    assert not answer.requires_grad


def test_a_head_gives_logits() -> None:
    model = build(BERT, {"num_labels": 3}, head="ForSequenceClassification")
    assert output(model, batch(BERT, rows=2)).shape == (2, 3)
    assert batch(VIT, rows=2).dim() == 4


def test_the_gap_is_the_largest_difference_over_the_largest_number() -> None:
    one, other = torch.tensor([1.0, -3.0]), torch.tensor([2.0, -4.0])
    assert largest_gap(one, other) == 0.25
    assert largest_gap(other, other.clone()) == 0
