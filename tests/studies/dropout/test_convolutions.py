"""Readings of curves, and images on photographs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studies.dropout.convolutions import epochs_to, largest_rise
from studies.dropout.images import (
    CANVAS,
    PHOTOGRAPHS,
    SIDE,
    draw_images,
    grey_photographs,
    on_photographs,
)
from studies.dropout.neighbours import MAPS, PIXELS, explained, next_to, told_by_rest, windows_of


def test_the_largest_rise_is_between_neighbouring_epochs_and_never_negative() -> None:
    losses = np.array([[3.0, 1.0], [2.0, 0.9], [2.6, 0.8], [2.7, 0.1]])
    assert largest_rise(losses).tolist() == pytest.approx([0.6, 0.0])


def test_a_target_is_reached_between_two_epochs_or_not_at_all() -> None:
    scores = np.array([[0.2, 0.5], [0.6, 0.4], [0.5, 0.3]])
    assert epochs_to(scores, np.array([0.4, 0.9])).tolist() == pytest.approx([1.5, 3.0])


def test_digits_stand_whole_on_their_photograph() -> None:
    full = torch.full((1, 3, SIDE * SIDE), 2.0)
    images = on_photographs(full, [5], part=0).view(3, CANVAS, CANVAS)
    assert [int((image == 2).sum()) for image in images] == [SIDE * SIDE] * 3
    empty = on_photographs(torch.full((1, 3, SIDE * SIDE), -2.0), [5], part=0)
    assert empty.max() <= 1


def test_neighbours_in_a_crop_are_neighbours_in_the_photograph() -> None:
    empty = torch.full((1, 20, SIDE * SIDE), -2.0)
    crop, spread = (
        on_photographs(empty, [5], 0, stride).view(20, CANVAS, CANVAS) for stride in (1, 3)
    )
    whole, third = grey_photographs(1), grey_photographs(3)
    assert [(each.shape[0] + 2) // 3 for each in whole] == [each.shape[0] for each in third]
    for piece, photographs in ((crop[0], whole), (spread[0], third)):
        windows = [
            np.lib.stride_tricks.sliding_window_view(each, (CANVAS, CANVAS)) for each in photographs
        ]
        assert any((np.abs(of - piece.numpy()).max(axis=(2, 3)) < 1e-6).any() for of in windows)


def test_images_of_a_seed_are_the_same_whoever_stands_beside_it() -> None:
    alone, beside = draw_images(PHOTOGRAPHS, [3]), draw_images(PHOTOGRAPHS, [9, 3])
    assert torch.equal(alone.train.x[0], beside.train.x[1])
    assert not torch.equal(alone.train.x[0], alone.test.x[0])


def test_neighbours_of_one_constant_map_are_told_and_those_of_noise_are_not() -> None:
    draw = np.random.default_rng(0)
    one = np.repeat(np.repeat(draw.normal(size=(200, 2, 1, 1)), 6, axis=2), 6, axis=3)
    noise = draw.normal(size=(200, 2, 6, 6))
    assert next_to(one) == pytest.approx(1.0)
    assert abs(next_to(noise)) < 0.05
    assert told_by_rest(one, PIXELS, 1)["from_own_map"] > 0.7
    assert abs(told_by_rest(noise, PIXELS, 1)["from_own_map"]) < 0.05


def test_a_map_that_no_other_resembles_is_told_by_pixels_alone() -> None:
    draw = np.random.default_rng(1)
    maps = np.repeat(np.repeat(draw.normal(size=(200, 3, 1, 1)), 5, axis=2), 5, axis=3)
    pixels, whole = (told_by_rest(maps, kind, 2)["from_all"] for kind in (PIXELS, MAPS))
    assert pixels > 0.7
    assert abs(whole) < 0.1


def test_least_squares_are_judged_on_images_they_have_not_seen() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(40, 30, 4))
    y = x @ np.array([1.0, -2.0, 0.0, 0.5])
    assert explained(x, y) == pytest.approx(1.0, abs=1e-4)
    assert explained(x, draw.normal(size=y.shape)) < 0.05


def test_a_window_has_its_own_place_in_the_middle() -> None:
    maps = np.arange(2 * 1 * 4 * 5, dtype=float).reshape(2, 1, 4, 5)
    windows = windows_of(maps)
    assert windows.shape == (2, 1, 6, 9)
    assert windows[..., 4].reshape(2, 2, 3).tolist() == maps[:, 0, 1:-1, 1:-1].tolist()
