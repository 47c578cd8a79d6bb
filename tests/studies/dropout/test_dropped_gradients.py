"""Which gradients are of what is dropped, and the comparison of workers' masks."""

from __future__ import annotations

import torch

from studies.dropout.dropped_gradients import (
    FEATURES,
    listing,
    passed,
    through_blocks,
    through_units,
    through_weights,
)
from studies.dropout.rank import kept
from studies.dropout.ranks import forked_mask


def test_masks_drawn_again_are_those_of_the_pass() -> None:
    net, x = listing(5), torch.randn(1, FEATURES)
    outputs = passed(net, x, seed=9)
    first, second = outputs.before
    (in_mask, out_mask) = outputs.masks
    layers = list(net)
    by_hand = layers[4](layers[3](first * in_mask))
    torch.testing.assert_close(by_hand.detach(), second)
    torch.testing.assert_close(layers[6](second * out_mask), outputs.logits)


def test_some_is_dropped_and_some_kept_of_units_weights_and_blocks() -> None:
    for through in (through_units, through_weights, through_blocks):
        dropped = torch.cat([through(seed)[1] for seed in range(8)])
        assert 0.2 < dropped.double().mean().item() < 0.9


def test_gradients_are_told_from_zeros() -> None:
    gradient, dropped = through_weights(3)
    assert (gradient[~dropped] != 0).any()


def test_the_units_left_are_those_not_zero() -> None:
    assert kept(torch.tensor([0.0, 2.0, 0.0, 2.0])) == [1, 3]


def test_a_forked_process_draws_without_touching_this_one() -> None:
    before = torch.get_rng_state()
    mask = forked_mask()
    assert 64 < len(mask) < 192
    assert torch.equal(torch.get_rng_state(), before)
