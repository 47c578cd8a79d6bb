"""What a network sees with noise at each place, in each mode."""

from __future__ import annotations

import pytest
import torch

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.load_loss import augmentation
from studies.load_loss.augmentation import ASKS, COLLATE, MODULE, PLACE, measure

BLOCK = Block(0, 3, 0)


def measured(mode: str, place: str) -> Responses:
    return measure(BLOCK, Arm((("mode", mode), ("place", place))))


@pytest.mark.parametrize("place", PLACE.levels)
def test_noise_is_seen_at_every_place_in_train_mode(place: str) -> None:
    assert measured("train", place)["random_rows"] == 1


def test_a_layer_that_asks_for_the_mode_is_silent_in_eval_mode() -> None:
    assert measured("eval", ASKS)["random_rows"] == 0


def test_half_of_the_rows_with_noise_are_counted_as_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted noise that spares every second row of a batch."""

    def sparing(x: torch.Tensor, _strength: float) -> torch.Tensor:
        noise = torch.randn_like(x)
        noise[::2] = 0
        return x + noise

    monkeypatch.setattr(augmentation, "noisy", sparing)
    assert measured("train", COLLATE)["random_rows"] == 0.5


def test_a_transform_with_weights_of_its_own_is_seen_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        augmentation, "noise_layer", lambda strength, **_: torch.nn.PReLU(init=strength)
    )
    assert measured("train", MODULE)["in_file"] == 1


@pytest.mark.parametrize("place", PLACE.levels)
def test_without_strength_nothing_is_random(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "STRENGTH", 0.0)
    assert measured("train", place) == {"random_rows": 0, "in_file": 0}
