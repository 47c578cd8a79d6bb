"""The classes of listing 5 against torch's own, and on planted weights."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from studies.listings.snippets import drop_path, residual_block, smoothed_cross_entropy


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_the_smoothed_loss_is_torchs_with_its_share_spread_over_all_classes(classes: int) -> None:
    torch.manual_seed(classes)
    logits, labels = torch.randn(20, classes), torch.randint(classes, (20,))
    spread = 0.1 * classes / (classes - 1)
    expected = functional.cross_entropy(logits, labels, label_smoothing=spread)
    assert torch.allclose(smoothed_cross_entropy(logits, labels), expected, atol=1e-6)


def test_a_drop_path_silences_whole_samples_and_scales_the_others() -> None:
    torch.manual_seed(0)
    x = torch.rand(500, 3, 2, 2) + 1
    kept = drop_path(x, training=True) / x
    assert torch.equal(drop_path(x, training=False), x)
    per_sample = kept.flatten(1)
    assert (per_sample - per_sample[:, :1]).abs().max() < 1e-5
    dropped = (per_sample[:, 0] == 0).float().mean().item()
    assert 0.05 < dropped < 0.16
    assert torch.allclose(per_sample[per_sample > 0], torch.tensor(1 / 0.9))


def test_a_block_whose_last_norm_is_zero_passes_its_input_through_relu() -> None:
    block = residual_block(8, 8).eval()
    last = dict(block.named_modules())["second_norm"]
    for parameter in last.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x), x.relu())
