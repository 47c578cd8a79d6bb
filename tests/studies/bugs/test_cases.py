"""The trainings in which signatures are looked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Block
from harness.workloads.switches import BUGS, CORRECT
from studies.bugs.cases import (
    CASES,
    FROZEN,
    KINDS,
    NAMES,
    NONE,
    WINE,
    make_case,
    switches_of,
    train_and_weigh,
)

BLOCKS = (Block(0, 1, 9), Block(1, 2, 9))


def test_every_bug_has_a_name_and_only_the_wrong_device_is_left_out() -> None:
    assert set(BUGS) - set(KINDS) == {"loss_on_cpu"}
    assert tuple(NAMES) == KINDS
    assert switches_of(NONE) == CORRECT


@pytest.mark.parametrize("case", CASES)
def test_the_three_parts_share_no_row_and_a_replica_depends_on_its_seed_alone(case: str) -> None:
    task = make_case(case, BLOCKS)
    for replica in range(len(BLOCKS)):
        parts = [part.x[replica].numpy() for part in (task.train, task.val, task.production)]
        if case != "digits":  # where some images are equal
            rows = [tuple(row) for part in parts for row in part.round(5).tolist()]
            assert len(set(rows)) == len(rows)
    alone = make_case(case, BLOCKS[1:])
    assert torch.equal(alone.train.x[0], task.train.x[1])
    pairs = zip(alone.networks[0].parameters(), task.networks[1].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    named = [name for name, _ in task.networks[0].named_parameters() if name.startswith(FROZEN)]
    assert named == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_stored_outputs_are_weighed_after_every_step() -> None:
    task = make_case(WINE, BLOCKS)
    _, kept = train_and_weigh(task, CASES[WINE], switches_of("keep_outputs"))
    assert np.diff(kept).tolist() == [16 * 3 * 4] * (len(kept) - 1), "batch x classes x 4 bytes"
    _, none = train_and_weigh(task, CASES[WINE], CORRECT)
    assert not none.any()
