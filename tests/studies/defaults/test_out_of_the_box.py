"""Out of the box: answers are counted bit for bit, and planted dropout is found."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.defaults.families import MODERNBERT, build
from studies.defaults.out_of_the_box import (
    CLASSIFIER,
    DROPPING,
    HEADS,
    NET,
    PASSES,
    WIDE,
    answer,
    distinct,
    measure,
    padded_batch,
    prepare,
)


def test_tensors_are_counted_apart_by_their_last_bit() -> None:
    one = torch.tensor([1.0, 2.0])
    next_bit = torch.nextafter(one, torch.tensor(9.0))
    assert distinct([one, one.clone(), next_bit]) == 2
    assert distinct([one]) == 1


def test_texts_are_padded_with_0_where_the_mask_says_so() -> None:
    batch = padded_batch()
    ids, mask = batch["input_ids"], batch["attention_mask"].bool()
    assert bool(((ids == 0) == ~mask).all())
    lengths = mask.sum(1).tolist()
    assert min(lengths) == 3
    assert max(lengths) == ids.shape[1]


def test_every_network_is_prepared_and_planted_dropout_shows() -> None:
    torch.manual_seed(0)
    run = build(MODERNBERT, head=CLASSIFIER)
    prepared = prepare(Block(index=0, seed=1, shared_seed=0, run=run))
    assert set(prepared[0]) == set(NET.levels) == {CLASSIFIER, WIDE, *HEADS, DROPPING}
    arm = Arm((("net", DROPPING), ("gradients", True), ("attention", "eager")))
    found = measure(prepared, arm)
    assert found["answers"] == PASSES
    assert found["mode_gap"] > 0  # type: ignore[operator]  # a number


@pytest.mark.parametrize("head", [CLASSIFIER, *HEADS])
def test_an_answer_is_all_that_a_pass_gives(head: str) -> None:
    net, batch = build(MODERNBERT, head=head).eval(), padded_batch()
    given = net(**batch)
    assert answer(net, batch).numel() == sum(tensor.numel() for tensor in given.to_tuple())
