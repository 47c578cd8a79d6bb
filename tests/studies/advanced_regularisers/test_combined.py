"""Families of candidates that are compared."""

from __future__ import annotations

import pytest
import torch

from studies.advanced_regularisers import augmentation, images
from studies.advanced_regularisers.combined import (
    ADDED,
    FAMILY,
    RAISED,
    SETTINGS,
    candidates,
    names_of,
)


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_what_is_compared_has_as_many_tries_and_as_many_steps(setting: str) -> None:
    shown = SETTINGS[setting].images
    known = candidates(setting, 120)
    assert len(names_of(ADDED, images=shown)) == len(names_of(RAISED, images=shown))
    used = {name for family in FAMILY.levels for name in names_of(family, images=shown)}
    assert used <= set(known)
    assert len({known[name].recipe.epochs for name in used}) == 1


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_candidates_start_from_equal_weights(setting: str) -> None:
    own = SETTINGS[setting]
    states = []
    for candidate in candidates(setting, 120).values():
        torch.manual_seed(0)
        net = candidate.make().eval()
        assert net(torch.randn(3, own.features)).shape == (3, own.classes)
        states.append(list(net.parameters()))
    for others in states[1:]:
        assert all(torch.equal(a, b) for a, b in zip(states[0], others, strict=True))


def test_techniques_for_images_have_as_many_tries_as_their_rivals() -> None:
    tries = {name: len(own) for name, own in augmentation.TECHNIQUES.items()}
    assert tries[augmentation.EITHER] == tries[augmentation.DROPOUT]
    assert tries[augmentation.PAIR] == tries[augmentation.CONVOLUTIONS]
    known = images.candidates(images.DIGITS, 120)
    assert {name for own in augmentation.TECHNIQUES.values() for name in own} <= set(known)
