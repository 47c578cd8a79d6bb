"""Mode attributes: an attribute that governs a pass is told from one that does not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.defaults import mode_attributes
from studies.defaults.mode_attributes import IS_TRAINING, READY, TRAINING, answer, differs, measure

BLOCK = Block(index=0, seed=1, shared_seed=0)


class Net(nn.Module):
    """Answers by chance if its own attribute says so, whatever its mode."""

    def __init__(self, is_training: bool) -> None:
        super().__init__()
        self.is_training = is_training

    def forward(self, **_: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"transformer_decoder_mask_predictions": torch.rand(3) * self.is_training}


class Sober(Net):
    """Has the attribute and does not listen to it."""

    def forward(self, **_: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"transformer_decoder_mask_predictions": torch.ones(3)}


@pytest.mark.parametrize(("net", "must"), [(Net, 1.0), (Sober, 0.0)])
def test_an_attribute_must_be_set_only_if_passes_listen_to_it(
    monkeypatch: pytest.MonkeyPatch, net: type[Net], must: float
) -> None:
    monkeypatch.setattr(mode_attributes, "oneformers", lambda: (net(True), net(False)))
    found = measure(BLOCK, Arm((("attribute", IS_TRAINING),)))
    assert found == {
        "must_be_set": must,
        "left_differs": must,
        "set_differs": 0.0,
        "eval_sets": 0.0,
    }


@pytest.mark.parametrize(
    ("attribute", "loader"), [(TRAINING, "bert_given_weights"), (READY, "bert_from_pretrained")]
)
def test_a_model_without_chance_needs_no_setting(
    monkeypatch: pytest.MonkeyPatch, attribute: str, loader: str
) -> None:
    monkeypatch.setattr(mode_attributes, loader, lambda: Sober(True).train())
    found = measure(BLOCK, Arm((("attribute", attribute),)))
    assert found["must_be_set"] == 0
    assert found["eval_sets"] == 1


def test_passes_are_compared_bit_for_bit() -> None:
    assert differs(Net(True), {})
    assert not differs(Net(False), {})


def test_the_answer_is_the_masks_where_there_are_some() -> None:
    class Given(dict[str, torch.Tensor]):
        """As the library's outputs."""

    hidden, masks = torch.zeros(1), torch.ones(1)
    assert answer(Given(last_hidden_state=hidden)) is hidden
    both = Given(last_hidden_state=hidden, transformer_decoder_mask_predictions=masks)
    assert answer(both) is masks
