"""Following what operations make, until it is gone."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.memory.intermediates import BY_HAND, measure, watched
from studies.memory.workloads import NETS


def test_what_is_held_is_there_and_what_is_dropped_is_gone() -> None:
    x = torch.ones(4)
    with watched() as made:
        held = x + 1
        dropped = torch.cat([x, x])
        del dropped
    assert made.sizes == [16, 32]
    assert made.kept() == [True, False]
    assert made.share_of_bytes() == pytest.approx(16 / 48)
    del held
    assert made.share_of_bytes() == 0


def test_views_and_changes_in_place_are_no_pieces_of_their_own() -> None:
    x = torch.ones(2, 3)
    with watched() as made:
        x.t()
        x.mul_(2)
    assert made.sizes == []


def test_a_graph_that_keeps_everything_is_seen_to_and_one_that_keeps_nothing() -> None:
    x = torch.ones(4, requires_grad=True)
    with watched() as made:
        loss = (x.exp().exp()).exp()
    assert all(made.kept()), "each is the result that its own derivative needs"
    with watched() as made:
        loss = ((x + 1) + 1) + 1
    assert made.kept() == [False, False, True]
    del loss


@pytest.mark.parametrize("net", NETS)
def test_results_held_by_hand_are_all_there(net: str) -> None:
    found = dict(measure(Block(0, 1, 2), Arm((("net", net), ("held", BY_HAND)))))
    assert found["freed"] == 0
    assert found["made"] > 5  # type: ignore[operator]
    assert found["share_of_bytes"] == 1
