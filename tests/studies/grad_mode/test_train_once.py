"""Where train() is called."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.train_once import (
    EACH_BATCH,
    EACH_EPOCH,
    EPOCHS,
    EXPERIMENT,
    ONCE,
    Cell,
    measure,
    prepare,
    trained,
)


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.set_num_threads(1)
    return prepare(Block(0, 1, 2))


def test_the_share_of_steps_in_train_mode_is_counted(cell: Cell) -> None:
    shares = {
        (train, validation): trained(cell, "plain", train, validation)[1]
        for train in (EACH_BATCH, EACH_EPOCH, ONCE)
        for validation in ("after training", "each epoch")
    }
    assert shares.pop((ONCE, "each epoch")) == 1 / EPOCHS, "validation leaves eval mode behind"
    assert set(shares.values()) == {1}


def test_a_training_that_is_another_differs_in_its_tensors(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm((("train", EACH_EPOCH), ("validation", "after training"), ("net", "plain")))
    assert measure(cell, arm)["apart"] == 0
    assert measure(cell._replace(seed=cell.seed + 1), arm)["apart"] == 6, "three linear layers"


def test_of_the_reference_only_what_shows_something_is_tried() -> None:
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    assert {arm["validation"] for arm in arms if arm["train"] == ONCE} == {"each epoch"}
    assert len(arms) == 3 + 3 * 2 + 1 + 3 + 1
