"""Adam against SGD in the arena."""

from __future__ import annotations

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import DIGITS, SPIRAL_RELU, TrainingTask, make_task
from studies.optimisers import arena_adam
from studies.optimisers.arena_adam import (
    OWN,
    RATES,
    SHARED,
    TASKS,
    WORST,
    Arena,
    Choices,
    behind,
    ends,
    measure,
)
from studies.optimisers.descent import Numbers, Recipe, first_steps, train_loss, val_accuracy

BLOCKS = tuple(Block(number, number, 9) for number in range(3))


def test_being_worse_trained_is_no_over_fitting(monkeypatch: pytest.MonkeyPatch) -> None:
    """By replica: over-fits, is worse trained and worse, is better."""
    planted = {
        "Adam": (np.array([0.1, 0.5, 0.1]), np.array([0.90, 0.80, 0.95])),
        "SGD": (np.array([0.2, 0.2, 0.2]), np.array([0.93, 0.93, 0.93])),
    }

    def planted_ends(_: TrainingTask, recipe: Recipe, epochs: int) -> tuple[Numbers, Numbers]:
        assert epochs == 20
        return planted[recipe.optimiser]

    monkeypatch.setattr(arena_adam, "ends", planted_ends)
    recipes = {name: Recipe(name, 0.01) for name in RATES}
    found = behind(make_task(SPIRAL_RELU, BLOCKS), recipes, effort=10)
    assert found == pytest.approx([3.0, 0.0, -2.0])


def test_ends_are_those_after_whole_epochs() -> None:
    task, recipe = make_task(SPIRAL_RELU, BLOCKS), Recipe("Adam", 0.01, 32)
    *_, last = first_steps(task, recipe, 2 * 9)
    loss, accuracy = ends(task, recipe, 2)
    assert loss.tolist() == train_loss(task, last.nets).tolist()
    assert accuracy.tolist() == val_accuracy(task, last.nets).tolist()


def test_rates_are_shared_or_each_its_own() -> None:
    chosen = Choices({(name, o): lr[1] for name in TASKS for o, lr in RATES.items()}, {})
    assert {r.lr for r in chosen.pair(DIGITS, SHARED).values()} == {0.01}
    assert {o: r.lr for o, r in chosen.pair(DIGITS, OWN).items()} == {
        o: lr[1] for o, lr in RATES.items()
    }


def test_the_task_that_was_chosen_stands_for_where_it_over_fits_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def planted(_: object, __: object, name: str, choice: str) -> list[dict[str, float]]:
        asked.append(f"{name}, {choice}")
        return [{"ratio": 1.0}]

    monkeypatch.setattr(arena_adam, "_measured", planted)
    chosen = Choices({}, {SHARED: DIGITS, OWN: SPIRAL_RELU})
    arena = Arena((Block(0, 1, 2, run=chosen),))
    for name in (WORST, DIGITS):
        measure(arena, Arm((("task", name), ("choice", SHARED))))
    measure(arena, Arm((("task", WORST), ("choice", OWN))))
    assert asked == [f"{DIGITS}, {SHARED}", f"{SPIRAL_RELU}, {OWN}"], "each is measured once"
