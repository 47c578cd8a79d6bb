"""The effects of mode and label by hand, and the listing on a tiny BERT."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.load_loss import third_listing
from studies.load_loss.models import classifier
from studies.load_loss.third_listing import effects, label_losses, measure


def test_the_losses_of_both_labels_are_those_of_the_logits() -> None:
    losses = label_losses(torch.tensor([[1.0, 3.0]]))
    total = math.log(math.e + math.e**3)
    assert losses == pytest.approx([total - 1, total - 3])


def test_effects_are_mean_differences() -> None:
    found = effects(first=[0.5, 0.9], second=[0.7, 0.8], third=[0.6, 1.0])
    assert found["mode_effect"] == pytest.approx((0.1 + 0.2) / 2)
    # Two independent labels agree half of the time, and else lie 0.4 apart.
    assert found["label_effect"] == pytest.approx(0.2)
    assert found["mode_less_label"] == pytest.approx(-0.05)
    assert found["eval_changes"] == 1
    assert found["eval_closer"] == 0.5


def tiny(_device: str) -> nn.Module:
    """In the place of MiniLM: one encoder and a fresh head, in eval mode as it is loaded."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model: Any = classifier("BERT")
    nn.init.normal_(model.classifier.weight)
    loaded: nn.Module = model.eval()
    return loaded


@pytest.mark.parametrize("switch", ["as listed", "train() called"])
def test_eval_changes_the_loss_only_where_train_was_called(
    switch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(third_listing, "pretrained_minilm", tiny)
    monkeypatch.setattr(
        torch, "randint", lambda high, size, draw=torch.randint: draw(min(high, 100), size)
    )
    found = measure(Block(0, 1, 0, effort=8), Arm((("switch", switch),)))
    called = switch == "train() called"
    assert found["eval_changes"] == called
    assert (float(str(found["mode_effect"])) > 0) == called
    assert float(str(found["label_effect"])) > 0
