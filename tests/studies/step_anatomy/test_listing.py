"""Images of the listing's width: what they are made of, and which of them a block sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from harness.design.factors import Block
from studies.step_anatomy.listing import (
    BATCH,
    PIXELS,
    PLACES,
    PLAIN,
    STANDARDISED,
    STEPS,
    framed_digits,
    prepare_images,
)

BLOCKS = (Block(0, 1, 3, effort=1000), Block(1, 2, 3, effort=1000))


def test_every_framed_image_is_its_digit_three_times_enlarged() -> None:
    framed, classes = framed_digits()
    small, labels = load_digits(return_X_y=True)
    assert np.array_equal(classes, labels)
    for digit in (0, 700, 1796):
        for image in framed[digit].reshape(-1, 28, 28):
            # Whatever its place: the same ink, nine times.
            assert image.sum() == 9 * small[digit].sum()
        first = framed[digit, 0].reshape(28, 28)[:24:3, :24:3]
        assert np.array_equal(first, small[digit].reshape(8, 8))
        assert len(np.unique(framed[digit], axis=0)) == PLACES**2


def test_an_epoch_shows_every_image_once_and_none_that_is_held_out() -> None:
    images = prepare_images(BLOCKS)
    seen = torch.cat([x for x, _ in images.batches()], dim=1)
    assert seen.shape == (2, 1000, PIXELS)
    for replica in range(2):
        expected, _ = images.drawn(images.train[replica], PLAIN)
        one, other = (np.sort(each.sum(-1).numpy()) for each in (seen[replica], expected))
        assert np.allclose(one, other)
        digits, held = (
            set((t[replica] // PLACES**2).tolist()) for t in (images.train, images.held)
        )
        assert not digits & held


def test_a_block_has_the_same_images_alone_and_beside_another() -> None:
    together, alone = prepare_images(BLOCKS), prepare_images(BLOCKS[1:])
    assert torch.equal(together.train[1], alone.train[0])
    assert torch.equal(together.held[1], alone.held[0])
    pairs = zip(together.batches(), alone.batches(), strict=True)
    assert all(torch.equal(two[0][1], one[0][0]) for two, one in pairs)
    assert not torch.equal(together.train[0], together.train[1])


def test_ten_thousand_images_are_313_batches_and_the_last_has_16() -> None:
    images = prepare_images((Block(0, 1, 3, effort=10_000),))
    sizes = [chosen.shape[1] for chosen in images.train.split(BATCH, dim=1)]
    assert len(sizes) == STEPS
    assert sizes[-1] == 16
    assert len(set(images.train[0].tolist())) == 10_000


def test_pixels_are_shares_of_full_ink_or_have_mean_0_and_deviation_1() -> None:
    images = prepare_images(BLOCKS[:1])
    every = torch.arange(len(images.ink))[None, ::25]
    plain, classes = images.drawn(every, PLAIN)
    assert plain.min() == 0
    assert plain.max() == 1
    assert (plain * 16 == (plain * 16).round()).all()
    assert classes.shape == every.shape
    standard, _ = images.drawn(every, STANDARDISED)
    assert standard.mean().item() == pytest.approx(0, abs=1e-4)
    assert standard.std().item() == pytest.approx(1, abs=1e-4)
