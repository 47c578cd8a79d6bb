"""Counting the batches that are alive."""

from __future__ import annotations

import gc

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.memory.live_batches import (
    BATCH,
    DELETED,
    EXAMPLES,
    MOVED,
    PLAIN,
    Counted,
    Living,
    Watched,
    load,
    measure,
)


def measured(loop: str, workers: int = 0) -> dict[str, object]:
    return dict(measure(Block(0, 1, 2), Arm((("loop", loop), ("workers", workers)))))


@pytest.mark.parametrize(("loop", "alive"), [(PLAIN, 2), (DELETED, 1), (MOVED, 1)])
def test_the_last_batch_lives_on_in_a_plain_loop(loop: str, alive: int) -> None:
    found = measured(loop)
    assert (found["alive"], found["last_batch"]) == (alive, EXAMPLES % BATCH)


def test_a_worker_loads_two_batches_ahead() -> None:
    assert measured(PLAIN, workers=0)["fetched"] == 1
    assert measured(PLAIN, workers=1)["fetched"] == 3


def test_batches_that_are_all_kept_are_all_seen() -> None:
    living = Living("cpu")
    kept = list(Watched(load(Counted(), workers=0), living))
    assert living.most == len(kept) == 16


def test_only_batches_on_the_device_in_question_count() -> None:
    living = Living("meta")
    living.add(torch.ones(2))
    assert living.most == 0
    one, view = torch.ones(2, device="meta"), torch.ones(3, device="meta")
    living.add(one)
    living.add(one[1:])
    assert living.most == 1, "a view is no other batch"
    living.add(view)
    assert living.most == 2


def test_the_data_set_counts_what_it_is_asked_for_and_nothing_is_leaked() -> None:
    data = Counted()
    for _ in load(data, workers=0):
        pass
    assert data.batches_asked_for() == EXAMPLES / BATCH
    gc.collect()
