"""Shards counted by hand, and those of sizes that divide and do not."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.shards import (
    DEFAULT,
    DRAWN,
    NONE,
    counted,
    measure,
    shard,
    shards_of_a_small_set,
    strided,
)


def arm(gpus: int, size: int, order: str = "shuffled", sampler: str = DEFAULT) -> Arm:
    levels = (("gpus", gpus), ("size", size), ("order_of_rows", order), ("sampler", sampler))
    return Arm(levels)


def test_planted_shards_are_counted() -> None:
    assert counted([[0, 2], [1, 3]], 4) == {
        "repeated": 0,
        "missing": 0,
        "as_listed": 1,
        "off_share": 0,
    }
    found = counted([[0, 2, 4], [1, 3, 0]], 6)
    assert (found["repeated"], found["missing"], found["as_listed"]) == (1, 1, 0)
    assert counted([[0, 1, 2], [3]], 4)["off_share"] == 1


@given(st.permutations(range(15)), st.integers(1, 6))
def test_every_nth_of_an_order_is_strided_and_blocks_of_it_are_not(
    order: list[int], ranks: int
) -> None:
    assert strided([order[rank::ranks] for rank in range(ranks)], order)
    if ranks > 1:
        length = -(-15 // ranks)
        blocks = [order[rank * length : (rank + 1) * length] for rank in range(ranks)]
        assert not strided(blocks, order)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.booleans())
def test_ranks_without_a_sampler_read_everything(size: int, ranks: int, shuffled: bool) -> None:
    order = "shuffled" if shuffled else "as stored"
    each = [shard(arm(ranks, size, order, NONE), rank, ranks, 3) for rank in range(ranks)]
    assert each == [[*range(size)]] * ranks


def test_a_seed_decides_the_order_and_ranks_share_it() -> None:
    one, other = (shard(arm(2, 1000), 0, 2, seed) for seed in (1, 2))
    assert one != other
    assert one == shard(arm(2, 1000), 0, 2, 1)


def test_without_splitting_all_is_repeated() -> None:
    found = measure(Block(0, 1, 2), arm(4, 1003, sampler=NONE))
    assert found["repeated"] == 1003
    assert found["off_share"] == pytest.approx(1003 * 3 / 4)


@pytest.mark.parametrize("given", [[*range(43), 0, 1, 2, 3, 4], []])
def test_the_figure_counts_the_examples_it_marks(given: list[int]) -> None:
    common = {"gpus": 8, "size": DRAWN, "order_of_rows": "shuffled", "sampler": DEFAULT, "block": 0}
    rows = [
        common | {"response": "given", "round": place, "value": float(example)}
        for place, example in enumerate(given or [float("nan")])
    ]
    rows.append(common | {"response": "repeated", "round": 0, "value": 5.0, "size": 1003})
    with slide_style():
        figure = shards_of_a_small_set(pd.DataFrame(rows))
    assert f"{5 if given else 0} of {DRAWN} examples twice (red), and 5 of 1,003" in (
        figure.get_suptitle()
    )
