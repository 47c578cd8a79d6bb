"""Counting the batches that are alive."""

from __future__ import annotations

import gc

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.memory.live_batches import (
    BATCH,
    EXAMPLES,
    KEPT,
    LOOPS,
    PLAIN,
    Counted,
    Living,
    Watched,
    load,
    measure,
)


def measured(loop: str, workers: int = 0) -> dict[str, object]:
    return dict(measure(Block(0, 1, 2), Arm((("loop", loop), ("workers", workers)))))


@pytest.mark.parametrize("loop", LOOPS)
def test_every_loop_sees_all_examples(loop: str) -> None:
    assert measured(loop)["last_batch"] == EXAMPLES % BATCH


def test_a_loop_that_keeps_its_batches_has_them_all_on_the_device() -> None:
    assert measured(KEPT)["alive"] == 16


def test_without_workers_only_the_batch_in_use_has_been_fetched() -> None:
    assert measured(PLAIN, workers=0)["fetched"] == 1


def test_batches_that_are_all_kept_are_all_seen() -> None:
    living = Living("cpu")
    kept = list(Watched(load(Counted(), workers=0), living))
    assert living.most == len(kept) == 16


def test_only_batches_on_the_device_in_question_count() -> None:
    living = Living("meta")
    living.add(torch.ones(2))
    living.count()
    assert living.most == 0
    one, other = torch.ones(2, device="meta"), torch.ones(3, device="meta")
    living.add(one)
    living.add(one[1:])
    living.count()
    assert living.most == 1, "a view is no other batch"
    living.add(other)
    living.count()
    assert living.most == 2


def test_the_data_set_counts_what_it_is_asked_for_and_nothing_is_leaked() -> None:
    data = Counted()
    for _ in load(data, workers=0):
        pass
    assert data.batches_asked_for() == EXAMPLES / BATCH
    gc.collect()
