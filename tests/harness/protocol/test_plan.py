"""The plan of blocks: complete, random and repeatable."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.design.factors import Arm, Factor, cross
from harness.errors import HarnessError
from harness.protocol.plan import plan_blocks

counts = st.integers(1, 12)
seeds = st.integers(0, 2**40)
names = st.text(max_size=20)


def arms_of(count: int) -> tuple[Arm, ...]:
    return cross((Factor("arm", tuple(range(count))),))


@given(counts, counts, seeds, names)
def test_every_block_has_every_arm_exactly_once(
    arms: int, blocks: int, seed: int, name: str
) -> None:
    plan = plan_blocks(arms_of(arms), blocks, seed, name)
    assert [block.index for block in plan] == list(range(blocks))
    for block in plan:
        assert len(block.arms) == arms
        assert set(block.arms) == set(arms_of(arms))


@given(counts, counts, seeds, names)
def test_the_same_arguments_give_the_same_plan(
    arms: int, blocks: int, seed: int, name: str
) -> None:
    plan = plan_blocks(arms_of(arms), blocks, seed, name)
    assert plan == plan_blocks(arms_of(arms), blocks, seed, name)


def test_a_plan_is_the_same_on_every_machine_and_day() -> None:
    # Written down once: a library that drew other numbers would make stored runs unrepeatable.
    (block,) = plan_blocks(arms_of(5), 1, 0, "study/experiment")
    order = [arm.as_dict()["arm"] for arm in block.arms]
    assert (block.seed, block.shared_seed, order) == (1189741667, 1284648956, [3, 1, 2, 4, 0])


@given(counts, counts, counts, seeds, names)
def test_a_longer_plan_begins_with_the_shorter_one(
    arms: int, blocks: int, more: int, seed: int, name: str
) -> None:
    plan = plan_blocks(arms_of(arms), blocks, seed, name)
    assert plan_blocks(arms_of(arms), blocks + more, seed, name)[:blocks] == plan


@given(st.integers(0, 2**20), names, st.integers(0, 2**20), names)
def test_another_name_or_seed_gives_other_streams(
    seed: int, name: str, other_seed: int, other_name: str
) -> None:
    if (seed, name) == (other_seed, other_name):
        return
    here = plan_blocks(arms_of(2), 4, seed, name)
    there = plan_blocks(arms_of(2), 4, other_seed, other_name)
    assert not {b.seed for b in here} & {b.seed for b in there}
    assert here[0].shared_seed != there[0].shared_seed


@given(counts, seeds, names)
def test_blocks_share_one_seed_and_have_one_of_their_own(blocks: int, seed: int, name: str) -> None:
    plan = plan_blocks(arms_of(2), blocks, seed, name)
    own = {block.seed for block in plan}
    assert len(own) == blocks
    assert len({block.shared_seed for block in plan} - own) == 1


@given(counts, seeds, names)
def test_every_generator_in_use_takes_the_seeds(blocks: int, seed: int, name: str) -> None:
    for block in plan_blocks(arms_of(1), blocks, seed, name):
        assert 0 <= block.seed < 2**31
        assert 0 <= block.shared_seed < 2**31


def test_all_orders_of_the_arms_are_about_equally_common() -> None:
    plan = plan_blocks(arms_of(3), 1200, 1, "order")
    orders = Counter(block.arms for block in plan)
    assert len(orders) == 6
    assert stats.chisquare(list(orders.values())).pvalue > 1e-4


def test_the_order_of_a_block_does_not_follow_from_that_of_the_block_before() -> None:
    plan = plan_blocks(arms_of(2), 1000, 2, "order")
    first = [block.arms[0] for block in plan]
    changes = sum(a != b for a, b in pairwise(first))
    assert stats.binomtest(changes, 999).pvalue > 1e-4


@pytest.mark.parametrize(
    ("blocks", "seed", "sentence"),
    [(0, 0, "1 block or more, not 0"), (-1, 0, "not -1"), (1, -1, "0 or more, not -1")],
)
def test_no_blocks_or_a_negative_seed_are_refused(blocks: int, seed: int, sentence: str) -> None:
    with pytest.raises(HarnessError, match=sentence):
        plan_blocks(arms_of(2), blocks, seed, "name")
