"""Networks of branches, held to torch's own layers and to sums by hand."""

from __future__ import annotations

import torch
from torch import nn

from harness.workloads.deep_nets import Attention, BagOfWords, SkippableBlocks


def test_attention_is_that_of_torch() -> None:
    attention, x = Attention(24, 4), torch.randn(3, 8, 24)
    theirs = torch.nn.MultiheadAttention(24, 4, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": attention.into.weight,
            "in_proj_bias": attention.into.bias,
            "out_proj.weight": attention.out.weight,
            "out_proj.bias": attention.out.bias,
        }
    )
    assert torch.allclose(attention(x), theirs(x, x, x)[0], atol=1e-5)


def test_skipped_blocks_are_as_if_they_were_not_there() -> None:
    net = SkippableBlocks(
        nn.Identity(), lambda: nn.Linear(6, 6), blocks=3, features=6, classes=2, survival=0.5
    )
    x = torch.randn(4, 5, 6)
    by_hand = torch.relu(x + net.branches[1](x))
    expected = net.out(by_hand.mean(dim=1))
    assert torch.allclose(net(x, (0, 2), masked=False), expected, atol=1e-6)
    net.eval()
    assert torch.equal(net(x, (), masked=True), net(x, (), masked=False))


def test_a_bag_is_the_mean_of_its_places_read_out() -> None:
    net = BagOfWords(7, 3, 2)
    places, begins = torch.tensor([1, 4, 4, 6]), torch.tensor([0, 3])
    mean = net.table.weight[torch.tensor([1, 4, 4])].mean(dim=0)
    out = net(places, begins)
    assert out.shape == (2, 2)
    assert torch.allclose(out[0], net.read_out(mean), atol=1e-6)
    assert torch.allclose(out[1], net.read_out(net.table.weight[6]), atol=1e-6)
