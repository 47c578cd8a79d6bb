"""Adam against SGD in the arena."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.tasks import DIGITS, SPIRAL_RELU, Part, TrainingTask, make_task
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
    new_rows,
    over_fits_most,
    pair,
    race,
)
from studies.optimisers.descent import (
    Numbers,
    Recipe,
    first_steps,
    train_accuracy,
    val_accuracy,
)

BLOCKS = tuple(Block(number, number, 9, effort=1) for number in range(3))


def test_worse_is_told_of_training_and_of_new_rows() -> None:
    """By replica: over-fits, is worse trained and worse, is better."""
    adam = np.array([0.99, 0.70, 0.99]), np.array([0.90, 0.80, 0.95])
    sgd = np.array([0.98, 0.95, 0.98]), np.array([0.93, 0.93, 0.93])
    trained, new = behind(adam, sgd)
    assert trained == pytest.approx([-1.0, 25.0, -1.0])
    assert new == pytest.approx([3.0, 13.0, -2.0])


def test_ends_are_those_after_whole_epochs() -> None:
    task, recipe = make_task(SPIRAL_RELU, BLOCKS), Recipe("Adam", 0.01, 32)
    *_, last = first_steps(task, recipe, 2 * 9)
    trained, new = ends(task, task.val, recipe, 2)
    assert trained.tolist() == train_accuracy(task, last.nets).tolist()
    assert new.tolist() == val_accuracy(task, last.nets).tolist()


def test_new_rows_are_none_that_anything_is_trained_on() -> None:
    spiral, digits = (make_task(name, BLOCKS[:2]) for name in (SPIRAL_RELU, DIGITS))
    drawn = new_rows(SPIRAL_RELU, spiral)
    assert drawn.x.shape == (2, 2000, 2)
    assert not torch.equal(drawn.x[0], drawn.x[1]), "each block draws its own"
    known = {tuple(row) for part in (spiral.train, spiral.val) for row in part.x[0].tolist()}
    assert not known & {tuple(row) for row in drawn.x[0].tolist()}
    rest = new_rows(DIGITS, digits)
    assert rest.x.shape[1] + digits.train.x.shape[1] == 1797
    assert rest.y.shape == rest.x.shape[:2]


def test_the_pair_that_is_farthest_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: accuracy on new rows falls with Adam's rate and rises with SGD's."""

    def planted(_: TrainingTask, __: Part, recipe: Recipe, epochs: int) -> tuple[Numbers, Numbers]:
        assert epochs == 20
        sign = -1 if recipe.optimiser == "Adam" else 1
        # With Adam's largest rate training is worse too: no over-fitting.
        trained = 0.5 if (recipe.optimiser, recipe.lr) == ("Adam", 0.1) else 1.0
        return np.full(3, trained), np.full(3, 0.5 + sign * recipe.lr / 10)

    monkeypatch.setattr(arena_adam, "ends", planted)
    far, setting = over_fits_most(SPIRAL_RELU, make_task(SPIRAL_RELU, BLOCKS), effort=10)
    assert far[0], "trained as well"
    assert far[1] == pytest.approx(10.3)
    assert setting == Setting(SPIRAL_RELU, pair(0.03, 1.0))


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
