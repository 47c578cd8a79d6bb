"""Choosing on other seeds, and ratios that may be lower bounds."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.design.factors import Block
from harness.workloads.tasks import SPIRAL_RELU, make_task
from studies.optimisers.chosen import counted, fewest_steps, other_blocks, ratio_with_cap
from studies.optimisers.descent import Recipe

STEPS = st.one_of(st.integers(1, 5000).map(float), st.just(math.inf))


def test_seeds_to_choose_on_are_the_same_in_every_process_and_of_their_own() -> None:
    shared = Block(0, 7, 7, effort=3)
    blocks = other_blocks(shared, 8)
    assert blocks == other_blocks(shared, 8)
    assert len({block.seed for block in blocks} | {7}) == 9
    assert {block.seed for block in blocks}.isdisjoint(
        block.seed for block in other_blocks(Block(0, 8, 8), 8)
    )
    assert {block.effort for block in blocks} == {3}


def test_the_recipe_that_learns_is_chosen() -> None:
    task = make_task(SPIRAL_RELU, (Block(0, 3, 3), Block(1, 4, 3)))
    still, learns = Recipe("SGD", 1e-9), Recipe("Adam", 0.03)
    assert fewest_steps(task, (still, learns), 0.7, 60) == learns
    assert fewest_steps(task, (still, Recipe("SGD", 2e-9)), 0.99, 5) == still, "of equals the first"


def test_what_was_not_reached_counts_as_told() -> None:
    assert counted(np.array([3.0, math.inf]), 50).tolist() == [3, 50]


def test_a_ratio_says_who_got_there() -> None:
    slow = np.array([40.0, 90.0, math.inf, math.inf, 10.0])
    quick = np.array([10.0, 10.0, 10.0, math.inf, math.inf])
    assert ratio_with_cap(slow, quick, 6.0).tolist() == [4, 6, 6, 1, 0]


@given(slow=STEPS, quick=st.integers(1, 500).map(float))
def test_the_cut_changes_nothing_that_is_asked(slow: float, quick: float) -> None:
    """Where the slow one is followed for six times as long, 3 to 5 is told from all else."""
    seen = slow if slow <= math.floor(6 * quick) else math.inf
    ratio = float(ratio_with_cap(np.array([seen]), np.array([quick]), 6.0)[0])
    assert (3 <= ratio <= 5) == (3 <= slow / quick <= 5)
