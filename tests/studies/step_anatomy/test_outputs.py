"""What stands behind a loss, on losses put together by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from studies.step_anatomy.outputs import chain, gradient_off, leads_to_outputs, passed, refers


def by_hand(outputs: Tensor, targets: Tensor) -> Tensor:
    """A cross-entropy without torch's."""
    return (outputs.exp().sum(1).log() - outputs[torch.arange(len(outputs)), targets]).mean()


def test_a_cross_entropy_by_hand_has_the_gradient_by_hand_and_twice_of_it_is_off_by_one() -> None:
    assert gradient_off(by_hand) < 1e-12
    assert gradient_off(lambda outputs, y: 2 * by_hand(outputs, y)) == pytest.approx(1)


def test_a_chain_names_what_was_done_after_the_outputs_and_nothing_before() -> None:
    assert chain(lambda outputs, _: outputs.exp().sum()) == ["Sum", "Exp"]


def test_a_loss_of_other_tensors_does_not_lead_to_the_outputs() -> None:
    assert leads_to_outputs(lambda outputs, _: outputs.sum())
    apart = torch.ones(3, requires_grad=True)
    assert not leads_to_outputs(lambda *_: apart.sum())


def test_only_what_was_computed_with_gradients_refers_to_its_making() -> None:
    outputs, targets = passed()
    assert refers(by_hand(outputs, targets))
    assert not refers(torch.ones(2))
