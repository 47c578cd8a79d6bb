"""The program of listing 2: its draws in their order, and what is known of its numbers."""

from __future__ import annotations

import torch
from torch.nn import functional

from studies.listings.dropout_demo import (
    classifier,
    listing,
    on_ones,
    surviving_channels,
    two_passes_in_each_mode,
)


def test_the_mean_of_ones_is_twice_the_share_that_survives() -> None:
    for seed in range(5):
        found = listing(seed)
        assert abs(found["train mean"] - 2 * found["train fraction"]) < 1e-6


def test_the_draws_come_in_the_printed_order() -> None:
    torch.manual_seed(3)
    functional.dropout(torch.ones(10_000), 0.5)
    layers = [torch.nn.Linear(20, 64), torch.nn.Linear(64, 32), torch.nn.Linear(32, 5)]
    hidden = torch.randn(4, 20)
    for layer in layers[:-1]:
        hidden = layer(hidden).relu()
    expected = layers[-1](hidden)[0]
    found = listing(3)
    for place, logit in enumerate(expected.tolist(), 1):
        assert abs(found[f"eval: logit {place}"] - logit) < 1e-5


def test_the_classifier_halves_its_hidden_width_and_has_no_dropout_at_its_head() -> None:
    net = classifier(0.3)
    count = sum(p.numel() for p in net.parameters())
    assert count == 21 * 64 + 65 * 32 + 33 * 5
    drops = [i for i, layer in enumerate(net.children()) if isinstance(layer, torch.nn.Dropout)]
    assert drops == [2, 5]


def test_both_passes_are_of_the_same_rows() -> None:
    torch.manual_seed(0)
    passes = two_passes_in_each_mode()
    for pair in passes:
        assert [tuple(each.shape) for each in pair] == [(4, 5), (4, 5)]
    assert not passes.evaluated[0].requires_grad


def test_ones_in_eval_mode_are_left_as_they_are_and_channels_are_counted_of_one_sample() -> None:
    found = on_ones()
    assert found["eval mean"] == found["eval fraction"] == 1
    torch.manual_seed(0)
    counts = [surviving_channels() for _ in range(2000)]
    assert max(counts) == 8
    assert abs(sum(counts) / len(counts) - 8 * 0.7) < 0.15
