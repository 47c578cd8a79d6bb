"""How far apart two outputs are."""

from __future__ import annotations

import pytest
import torch

from studies.grad_mode.gaps import compared

REFERENCE = torch.tensor([[[1.0, 2.0], [4.0, 0.0]]])  # one text of two tokens
PADDING = torch.tensor([[True, False]])


def test_a_gap_is_a_share_of_the_largest_number() -> None:
    output = REFERENCE + torch.tensor([[[0.0, 0.5], [0.0, 0.0]]])
    found = compared(output, REFERENCE, None)
    assert found == {"gap": 0.125, "gap_read": 0.125, "predictions_changed": 0, "same_bits": 0}


def test_what_changes_at_padding_is_not_read() -> None:
    output = REFERENCE.clone()
    output[0, 1] = torch.tensor([0.0, 3.0])
    assert compared(output, REFERENCE, PADDING) == {
        "gap": 1,
        "gap_read": 0,
        "predictions_changed": 0,
        "same_bits": 1,
    }
    everywhere = compared(output, REFERENCE, None)
    assert (everywhere["gap_read"], everywhere["predictions_changed"]) == (1, 0.5)


@pytest.mark.parametrize("inference", [True, False])
def test_outputs_of_inference_mode_can_be_compared(inference: bool) -> None:
    with torch.inference_mode(inference):
        output = REFERENCE * 1
    assert compared(output, REFERENCE, PADDING)["same_bits"] == 1
