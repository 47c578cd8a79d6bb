"""How the arms train."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from harness.design.factors import Block
from studies.dataloader import equal_epochs
from studies.dataloader.equal_epochs import EPOCHS, EXPERIMENT, LARGEST, LR, measure, prepare


def test_arms_differ_in_batch_and_learning_rate_only(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[dict[str, Any]] = []

    def recorded(model: nn.Module, *_: object, **settings: float) -> nn.Module:
        trained.append(settings)
        return model

    monkeypatch.setattr(equal_epochs, "fit_classifier", recorded)
    cell = prepare(Block(0, 5, 6))
    for arm in EXPERIMENT.arms():
        measure(cell, arm)
        levels, settings = arm.as_dict(), trained[-1]
        factor = (settings["batch_size"] / 64) ** 0.5 if levels["rate"] == "scaled" else 1
        assert settings == {
            "seed": 5,
            "epochs": EPOCHS,
            "batch_size": levels["batch"],
            "lr": pytest.approx(LR * factor),
        }


def test_the_largest_batch_is_the_largest_power_of_two_that_fits() -> None:
    cell = prepare(Block(0, 5, 6))
    for name, split in cell.splits.items():
        assert LARGEST[name] <= len(split.train_x) < 2 * LARGEST[name]
