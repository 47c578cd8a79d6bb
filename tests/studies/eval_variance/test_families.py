"""Families: built as named, and the differences are those of a hand calculation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from torch import nn

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.eval_variance.families import (
    BUILDERS,
    NET,
    PRETRAINED,
    batch_for,
    identity_by_family,
    measure,
    prepare_run,
)

BLOCK = Block(index=0, seed=5, shared_seed=0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def measured(family: str) -> Responses:
    return measure(BLOCK, Arm((("net", family),)))


def test_every_family_can_be_built_and_no_other() -> None:
    assert {*BUILDERS, PRETRAINED} == set(NET.levels)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("BERT", transformers.BertConfig),
        ("GPT-2", transformers.GPT2Config),
        ("DeBERTa", transformers.DebertaConfig),
        ("DeBERTa-v2", transformers.DebertaV2Config),
        ("ModernBERT", transformers.ModernBertConfig),
    ],
)
def test_the_tiny_transformers_keep_every_dropout_of_their_default_config(
    family: str, config: type[transformers.PretrainedConfig]
) -> None:
    default = {k: v for k, v in config().to_dict().items() if "drop" in k}
    tiny = BUILDERS[family]().config
    assert default
    assert {name: getattr(tiny, name) for name in default} == default


def test_batch_norms_difference_is_that_of_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh running statistics are mean 0 and variance 1, so eval mode hardly changes the input."""
    monkeypatch.setitem(BUILDERS, "batch norm MLP", lambda: nn.BatchNorm1d(64))
    x = batch_for(nn.Identity(), BLOCK).numpy().astype(np.float64)
    train, evaluated = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), x / np.sqrt(1 + 1e-5)
    found = measured("batch norm MLP")
    largest = np.abs(train - evaluated).max()
    assert found["mode_gap"] == pytest.approx(largest / evaluated.std(ddof=1), rel=1e-4)


def test_a_dropout_layers_difference_is_that_of_the_formula(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A unit that is dropped moves by |x|, one that is kept by |x| p / (1 - p); at p = .5 both."""
    monkeypatch.setitem(BUILDERS, "dropout MLP", lambda: nn.Dropout(0.5))
    x = batch_for(nn.Identity(), BLOCK)
    found = measured("dropout MLP")
    largest = float(x.abs().max() / x.std())
    assert found["mode_gap"] == pytest.approx(largest)
    assert found["train_gap"] == pytest.approx(2 * largest)
    assert found["dropouts"] == 1


def test_dropout_with_p_0_counts_as_none_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BUILDERS, "dropout MLP", lambda: nn.Dropout(0.0))
    assert measured("dropout MLP") == {
        "mode_gap": 0,
        "train_gap": 0,
        "eval_gap": 0,
        "dropouts": 0,
    }


def test_a_planted_chance_in_eval_mode_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaky(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.dropout(x)  # the functional form, left on in eval mode

    monkeypatch.setitem(BUILDERS, "plain MLP", Leaky)
    found = measured("plain MLP")
    assert isinstance(found["eval_gap"], float)
    assert found["eval_gap"] > 0


@pytest.mark.pretrained
def test_the_pretrained_encoder_is_the_same_after_a_block() -> None:
    encoder = prepare_run(BLOCK)
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    block = replace(BLOCK, run=encoder)
    first = measure(block, Arm((("net", PRETRAINED),)))
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.state_dict().items())
    assert measure(block, Arm((("net", PRETRAINED),))) == first


def test_the_figure_keeps_exact_zeros_apart_from_the_log_scale() -> None:
    rows = [
        {"net": net, "block": block, "response": response, "value": value}
        for net in NET.levels
        for block in range(3)
        for response, value in (("mode_gap", 0.0 if net == "BERT" else 1e-7), ("train_gap", 0.0))
    ]
    figure = identity_by_family(pd.DataFrame(rows))
    lane, scale = figure.axes
    zeros = sum(len(np.asarray(line.get_xdata())) for line in lane.lines)
    others = sum(len(np.asarray(line.get_xdata())) for line in scale.lines)
    assert (zeros, others) == (3, 3 * (len(NET.levels) - 1))
    assert "in 9 of 10 families" in figure.get_suptitle()
