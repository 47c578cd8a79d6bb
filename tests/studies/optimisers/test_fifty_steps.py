"""Fewer than fifty steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_TANH, TrainingTask
from studies.optimisers import fifty_steps
from studies.optimisers.descent import Numbers, Recipe
from studies.optimisers.fifty_steps import RECIPES, TURNS, choose, measure
from studies.optimisers.spirals import TASK


def test_what_was_chosen_is_what_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Recipe("Adam", 0.03, 64)
    used: list[Recipe] = []

    def planted(_: TrainingTask, recipe: Recipe, __: tuple[float, ...], caps: Numbers) -> Numbers:
        used.append(recipe)
        return np.array([[49.0, 50.0, math.inf]])

    monkeypatch.setattr(fifty_steps, "steps_to", planted)
    run = {(SPIRAL_TANH, 1.0): chosen}
    blocks = tuple(Block(number, number, 9, run=run) for number in range(3))
    found = measure(blocks, Arm((("task", SPIRAL_TANH), ("turns", 1.0))))
    assert used == [chosen]
    assert [each["fewer"] for each in found] == [1, 0, 0]
    assert [each["steps"] for each in found] == [49, 50, 150]
    assert {(each["by_adam"], each["rate"], each["batch"]) for each in found} == {(1, 0.03, 64)}


def test_each_setting_gets_one_of_the_eighteen() -> None:
    assert len(set(RECIPES)) == 18
    chosen = choose(Block(0, 5, 5, effort=1))
    assert set(chosen) == {(name, turns) for name in TASK.levels for turns in TURNS.levels}
    assert set(chosen.values()) <= set(RECIPES)
