"""Seeds on which a configuration is chosen, which are none of those it is judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from harness import Block
from studies.optimisers.descent import Numbers, Recipe, steps_to

if TYPE_CHECKING:
    from harness.workloads.tasks import TrainingTask

T = TypeVar("T")

#: Begins the stream of seeds to choose on; any number would do.
CHOOSING = 20260


def other_blocks(shared: Block, count: int) -> tuple[Block, ...]:
    """Blocks with seeds of their own, the same in every process of a run.

    Args:
        shared: has the run's shared seed, as ``prepare_run`` gets it.
        count: how many.
    """
    seeds = np.random.SeedSequence([shared.shared_seed, CHOOSING]).generate_state(count)
    return tuple(
        replace(shared, index=index, seed=int(seed)) for index, seed in enumerate(seeds.tolist())
    )


def best(options: Sequence[T], cost: Callable[[T], float]) -> T:
    """The option that costs least, the first of equals."""
    return min(options, key=cost)


def fewest_steps(task: TrainingTask, recipes: Sequence[Recipe], target: float, most: int) -> Recipe:
    """The recipe whose median number of steps to a validation accuracy is least.

    Args:
        task: with the replicas to choose on.
        recipes: to choose among; of equals the first is taken.
        target: the accuracy.
        most: after so many steps a recipe is given up.
    """

    def cost(recipe: Recipe) -> float:
        found = steps_to(task, recipe, (target,), np.full((1, len(task.seeds)), float(most)))
        return float(np.median(counted(found, most)))

    return best(recipes, cost)


def counted(steps: Numbers, unreached: float) -> Numbers:
    """Steps to a target, where what was not reached counts as some number."""
    return np.where(np.isfinite(steps), steps, unreached)


def ratio_with_cap(slow: Numbers, quick: Numbers, cap: float) -> Numbers:
    """How many times as many steps one takes as the other, at most ``cap`` times.

    Both are infinite where a target was not reached. A ratio at the cap stands for that much or
    more: what is asked of it must not hang on how much more. Where neither got there, neither was
    faster: 1. Where only the slow one got there, the ratio is 0.

    Args:
        slow: steps of the one, shape (...).
        quick: steps of the other.
        cap: the most that is told apart.
    """
    with np.errstate(invalid="ignore"):
        ratio = slow / quick
    neither = np.isinf(slow) & np.isinf(quick)
    return np.minimum(np.where(neither, 1.0, np.where(np.isinf(slow), math.inf, ratio)), cap)
