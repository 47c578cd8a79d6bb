"""Patches of photographs."""

from __future__ import annotations

import numpy as np
import torch

from studies.tuning.photographs import SIDE, draw_patches, grey


def windows(label: int) -> np.ndarray:
    image = np.lib.stride_tricks.sliding_window_view(grey()[label], (SIDE, SIDE))
    return image.reshape(*image.shape[:2], -1)


def test_patches_to_train_on_are_left_and_those_held_out_right() -> None:
    sample = draw_patches([4], train=12, held_out=12)
    for part, right in ((sample.train, False), (sample.val, True), (sample.test, True)):
        for patch, label in zip(part.x[0].numpy(), part.y[0].tolist(), strict=True):
            apart = np.abs(windows(label) - patch).max(axis=2)
            column = int(np.unravel_index(apart.argmin(), apart.shape)[1])
            assert apart.min() < 1e-5
            middle = grey()[label].shape[1] // 2
            assert column >= middle if right else column + SIDE <= middle


def test_a_seed_draws_its_own_patches_and_no_other_has_a_say() -> None:
    both, alone = draw_patches([1, 2], train=5, held_out=5), draw_patches([2], train=5, held_out=5)
    assert torch.equal(both.train.x[1], alone.train.x[0])
    assert not torch.equal(both.train.x[0], both.train.x[1])
    assert both.train.x.shape == (2, 5, SIDE * SIDE)
