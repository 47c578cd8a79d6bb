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
    found = effects(second=[0.8, 0.8], third=[0.6, 1.0])
    assert found["mode_effect"] == pytest.approx(0.2)
    # Two independent labels agree half of the time, and else lie 0.4 apart.
    assert found["label_effect"] == pytest.approx(0.2)
    assert found["mode_share"] == pytest.approx(0.5)
    assert found["eval_moves"] == pytest.approx(0.25)


def test_a_mode_that_moves_nothing_has_no_share() -> None:
    found = effects(second=[0.6, 1.0], third=[0.6, 1.0])
    assert found["mode_share"] == found["eval_moves"] == 0


def tiny(_device: str) -> nn.Module:
    """In the place of MiniLM: one encoder and a fresh head, in eval mode as it is loaded."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model: Any = classifier("BERT")
    nn.init.normal_(model.classifier.weight)
    loaded: nn.Module = model.eval()
    return loaded


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("returned", [False, True])
def test_the_modes_at_saving_and_after_loading_are_seen(
    returned: bool, called: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted library that returns models in one mode or the other."""
    monkeypatch.setattr(
        third_listing, "pretrained_minilm", lambda device: tiny(device).train(returned)
    )
    monkeypatch.setattr(
        torch, "randint", lambda high, size, draw=torch.randint: draw(min(high, 100), size)
    )
    arm = Arm((("switch", third_listing.SWITCH.levels[called]),))
    found = measure(Block(0, 1, 0, effort=8), arm)
    in_train = called or returned
    assert found["saved_in_train"] == in_train
    assert found["loaded_in_train"] == returned
    assert (float(str(found["mode_effect"])) > 0) == in_train
    assert (float(str(found["eval_moves"])) > 0) == in_train
    assert float(str(found["label_effect"])) > 0
