"""The ratio of steps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_RELU, TrainingTask
from studies.optimisers import faster
from studies.optimisers.descent import Numbers, Recipe
from studies.optimisers.faster import EXPERIMENT, MOST, PLAIN, Spirals, measure, steps_ratio

BLOCKS = tuple(Block(number, number, 9, effort=100) for number in range(4))
ARM = Arm((("task", SPIRAL_RELU), ("turns", 1.0), ("rival", PLAIN)))


def test_a_rival_is_followed_six_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: four times as slow; slower than is followed; Adam alone and nobody not there."""
    adam, sgd = np.array([10.0, 10.0, math.inf, math.inf]), np.array([40.0, 900.0, 50.0, math.inf])
    seen: list[Numbers] = []

    def planted(
        task: TrainingTask, recipe: Recipe, targets: tuple[float, ...], caps: Numbers
    ) -> Numbers:
        seen.append(caps)
        steps = np.stack([adam if recipe.optimiser == "Adam" else sgd] * len(targets))
        return np.where(steps <= caps, steps, math.inf)

    monkeypatch.setattr(faster, "steps_to", planted)
    found = measure(Spirals(BLOCKS), ARM)
    assert [each["ratio"] for each in found] == [4, MOST, 0, 1]
    assert [each["adam_there"] for each in found] == [1, 1, 0, 0]
    assert [each["adam_steps"] for each in found] == [10, 10, 100, 100]
    assert seen[1][0].tolist() == [60, 60, 100, 100]


def planted_rows(ratio: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            arm.as_dict() | {"block": block, "round": 0, "response": "ratio", "value": ratio}
            for arm in EXPERIMENT.arms()
            for block in range(20)
        ]
    )


def test_the_figure_says_how_many_are_bounds() -> None:
    title = steps_ratio(planted_rows(4.0)).get_suptitle()
    assert "SGD takes 4.0 (99 % interval 4.0 to 4.0) times" in title
    assert "as in 0 of 20" in title
    title = steps_ratio(planted_rows(MOST)).get_suptitle()
    assert "SGD takes 6 times as many steps as Adam or more" in title
    assert "as in 20 of 20" in title
