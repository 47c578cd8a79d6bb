"""Turned on: a planted rate shows in train mode, and a rate of 0 does not."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.defaults import turned_on
from studies.defaults.families import BERT, FAMILIES, Family
from studies.defaults.turned_on import SILENCED, measure

BLOCK = Block(index=0, seed=1, shared_seed=0)


def test_every_rate_at_0_leaves_no_gap() -> None:
    torch.manual_seed(0)
    assert measure(BLOCK, Arm((("family", SILENCED),))) == {"train_gap": 0.0, "eval_gap": 0.0}


@pytest.mark.parametrize(("rate", "differs"), [(0.0, False), (0.5, True)])
def test_a_planted_rate_of_a_family_shows_in_train_mode_alone(
    monkeypatch: pytest.MonkeyPatch, rate: float, differs: bool
) -> None:
    planted = {"hidden_dropout_prob": rate, "attention_probs_dropout_prob": rate}
    bert = FAMILIES[BERT]
    monkeypatch.setitem(FAMILIES, BERT, Family(bert.prefix, bert.sizes | planted))
    torch.manual_seed(0)
    found = measure(BLOCK, Arm((("family", BERT),)))
    assert (found["train_gap"] > turned_on.VISIBLE) is differs  # type: ignore[operator]  # a number
    assert found["eval_gap"] == 0
