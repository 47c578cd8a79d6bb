"""What a network sees with noise at each place, in each mode."""

from __future__ import annotations

import pytest

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.load_loss import augmentation
from studies.load_loss.augmentation import PLACE, TRANSFORMS, measure

BLOCK = Block(0, 3, 0)


def measured(mode: str, place: str) -> Responses:
    return measure(BLOCK, Arm((("mode", mode), ("place", place))))


@pytest.mark.parametrize("place", PLACE.levels)
def test_noise_is_seen_at_every_place_in_train_mode(place: str) -> None:
    assert measured("train", place)["random_rows"] == 1


def test_a_layer_that_asks_is_silent_in_eval_mode_and_no_other_place_is() -> None:
    silent = {place: measured("eval", place)["random_rows"] == 0 for place in PLACE.levels}
    assert silent == {"layer that asks": True, **dict.fromkeys(TRANSFORMS, False)}


@pytest.mark.parametrize("place", PLACE.levels)
def test_without_strength_nothing_is_random(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "STRENGTH", 0.0)
    assert measured("train", place) == {"random_rows": 0, "in_file": 0}
