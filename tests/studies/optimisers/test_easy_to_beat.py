"""The baseline and three changes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import DIGITS, TrainingTask
from studies.optimisers import easy_to_beat
from studies.optimisers.descent import Numbers, Recipe
from studies.optimisers.easy_to_beat import (
    BASELINE,
    DATA,
    KEPT,
    RECIPES,
    SPIRALS,
    Arena,
    choose,
    measure,
    steps_of,
)

BLOCKS = (Block(0, 1, 9, effort=20), Block(1, 2, 9, effort=20))


def test_each_change_changes_one_thing() -> None:
    base = RECIPES[BASELINE]
    for name, recipe in RECIPES.items():
        changed = sum(getattr(recipe, part) != getattr(base, part) for part in vars(base))
        assert changed == (name != BASELINE)


def test_every_change_has_its_own_twenty_epochs_and_one_score_for_not_arriving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caps: list[float] = []

    def planted(_: TrainingTask, __: Recipe, targets: tuple[float, ...], most: Numbers) -> Numbers:
        caps.append(float(most[0, 0]))
        assert targets == (0.9,)
        return np.array([[25.0, math.inf]])

    monkeypatch.setattr(easy_to_beat, "steps_to", planted)
    arena = Arena(BLOCKS)
    for change in (BASELINE, "batch 16"):
        found = measure(arena, Arm((("data", next(iter(SPIRALS))), ("change", change))))
        assert [each["steps"] for each in found] == [25, 360]
        assert [each["there"] for each in found] == [1, 0]
    assert caps == [20 * 9, 20 * 18]


def test_the_change_with_the_fewest_steps_is_kept_and_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: a larger rate is the quickest, and nothing else gets there."""
    seeds: list[tuple[int, ...]] = []

    def planted(task: TrainingTask, recipe: Recipe, _: tuple[float, ...], most: Numbers) -> Numbers:
        seeds.append(task.seeds)
        return np.full(most.shape, 7.0 if recipe.lr == 0.1 else math.inf)

    monkeypatch.setattr(easy_to_beat, "steps_to", planted)
    kept = choose(Block(0, 9, 9, effort=20))
    assert kept == dict.fromkeys(DATA.levels, "rate 0.1")
    assert {len(each) for each in seeds} == {10}
    arm = Arm((("data", next(iter(SPIRALS))), ("change", KEPT)))
    found = measure(Arena(tuple(replace(block, run=kept) for block in BLOCKS)), arm)
    assert [each["steps"] for each in found] == [7, 7]
    assert [each["by_adam"] for each in found] == [0, 0]
    assert not {seed for each in seeds[:-1] for seed in each} & set(seeds[-1])


def test_data_are_made_once_and_by_their_name() -> None:
    arena = Arena(BLOCKS)
    digits = arena.task(DIGITS)
    assert digits.train.x.shape[2] == 64
    assert arena.task(DIGITS) is digits
    assert arena.task(next(iter(SPIRALS))).train.x.shape == (2, 300, 2)
    assert steps_of(digits, 32, 1) == digits.train.x.shape[1] // 32
