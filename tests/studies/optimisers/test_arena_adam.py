"""Adam against SGD in the arena."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import DIGITS, SPIRAL_RELU, TrainingTask, make_task
from studies.optimisers import arena_adam
from studies.optimisers.arena_adam import (
    EXPERIMENT,
    OWN,
    RATES,
    SHARED,
    SPIRALS,
    TASKS,
    WORST,
    Setting,
    behind,
    choose,
    ends,
    measure,
    over_fits_most,
    pair,
    race,
)
from studies.optimisers.descent import Numbers, Recipe, first_steps, train_loss, val_accuracy

BLOCKS = tuple(Block(number, number, 9, effort=1) for number in range(3))


def test_being_worse_trained_is_no_over_fitting() -> None:
    """By replica: over-fits, is worse trained and worse, is better."""
    adam = np.array([0.1, 0.5, 0.1]), np.array([0.90, 0.80, 0.95])
    sgd = np.array([0.2, 0.2, 0.2]), np.array([0.93, 0.93, 0.93])
    assert behind(adam, sgd) == pytest.approx([3.0, 0.0, -2.0])


def test_ends_are_those_after_whole_epochs() -> None:
    task, recipe = make_task(SPIRAL_RELU, BLOCKS), Recipe("Adam", 0.01, 32)
    *_, last = first_steps(task, recipe, 2 * 9)
    loss, accuracy = ends(task, recipe, 2)
    assert loss.tolist() == train_loss(task, last.nets).tolist()
    assert accuracy.tolist() == val_accuracy(task, last.nets).tolist()


def test_the_pair_that_is_farthest_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: accuracy falls with Adam's rate and rises with SGD's."""

    def planted(_: TrainingTask, recipe: Recipe, epochs: int) -> tuple[Numbers, Numbers]:
        assert epochs == 20
        sign = -1 if recipe.optimiser == "Adam" else 1
        return np.zeros(3), np.full(3, 0.5 + sign * recipe.lr / 10)

    monkeypatch.setattr(arena_adam, "ends", planted)
    far, setting = over_fits_most(SPIRAL_RELU, make_task(SPIRAL_RELU, BLOCKS), effort=10)
    assert far == pytest.approx(11.0)
    assert setting == Setting(SPIRAL_RELU, pair(0.1, 1.0))


def test_sgd_is_followed_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    adam, sgd = np.array([[10.0, 10.0, math.inf]]), np.array([[15.0, 99.0, math.inf]])

    def planted(_: TrainingTask, recipe: Recipe, __: tuple[float, ...], caps: Numbers) -> Numbers:
        steps = adam if recipe.optimiser == "Adam" else sgd
        assert recipe.optimiser == "Adam" or caps.tolist() == [[20, 20, 300]]
        return np.where(steps <= caps, steps, math.inf)

    monkeypatch.setattr(arena_adam, "steps_to", planted)
    task, recipes = make_task(SPIRAL_RELU, BLOCKS), pair(0.01, 0.01)
    assert race(task, recipes["Adam"], recipes["SGD"], 300).tolist() == [1.5, 2, 1]


def test_every_arm_has_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        arena_adam, "ends", lambda task, *_: (np.zeros(len(task.seeds)), np.ones(len(task.seeds)))
    )
    chosen = choose(Block(0, 5, 5, effort=1))
    arms = {(arm.as_dict()["task"], arm.as_dict()["choice"]) for arm in EXPERIMENT.arms()}
    assert (
        set(chosen)
        == arms
        == {(n, c) for n in TASKS for c in (SHARED, OWN)}
        | {
            (SPIRALS, WORST),
            (DIGITS, WORST),
        }
    )
    for (name, choice), setting in chosen.items():
        assert name in (setting.task, SPIRALS)
        rates = {each: recipe.lr for each, recipe in setting.recipes.items()}
        if choice == SHARED:
            assert rates == {"Adam": 0.01, "SGD": 0.01}
        else:
            assert all(rate in RATES[each] for each, rate in rates.items())
    blocks = tuple(Block(n, n, 9, effort=1, run=chosen) for n in range(2))
    found = measure(blocks, Arm((("task", SPIRALS), ("choice", WORST))))
    assert all(math.isnan(each["ratio"]) for each in found)  # type: ignore[arg-type]
