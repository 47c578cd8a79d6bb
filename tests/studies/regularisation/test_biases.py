"""Penalties with and without biases."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.regularisers import l2
from studies.regularisation import biases
from studies.regularisation.biases import Setting, measure, prepare


def losses(setting: str, also: bool) -> list[object]:
    torch.set_num_threads(1)
    rows = prepare([Block(number, 50 + number, 9, effort=10) for number in range(2)])
    found = measure(rows, Arm((("setting", setting), ("biases", also))))
    return [each["test_loss"] for each in found]


def test_arms_differ_in_the_penalty_of_the_biases_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without strength they are the same; with much of it they are not."""
    for strength, same in ((0.0, True), (1.0, False)):
        planted = Setting("diabetes", l2, strength, 40)
        monkeypatch.setitem(dict(biases.ALL), "planted", planted)
        monkeypatch.setattr(biases, "ALL", {"planted": planted})
        assert (losses("planted", also=False) == losses("planted", also=True)) is same
