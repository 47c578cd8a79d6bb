"""Networks written out in float64, against float64 copies of the networks themselves."""

from __future__ import annotations

import pytest
import torch

from harness.workloads import encoder, load_split, trained_mlp
from studies.grad_mode.by_hand import encoder_by_hand, perceptron_by_hand


def test_a_perceptron_by_hand_is_its_float64_copy_in_eval_mode() -> None:
    data = load_split("digits", 1)
    net = trained_mlp(data, 1, epochs=1, dropout=0.5, batch_norm=True)
    found = perceptron_by_hand(net, data.val_x)
    expected = net.double().eval()(data.val_x.double())
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padded", [False, True])
def test_an_encoder_by_hand_is_its_float64_copy_in_eval_mode(padded: bool) -> None:
    torch.manual_seed(0)
    net = encoder(2, 16, dropout=0.3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # biases and norms of their own
    x = torch.randn(3, 5, 16)
    real = torch.arange(5) < torch.tensor([2, 4, 5])[:, None] if padded else None
    found = encoder_by_hand(net, x, real)
    mask = None if real is None else ~real
    expected = net.double().eval()(x.double(), src_key_padding_mask=mask)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
