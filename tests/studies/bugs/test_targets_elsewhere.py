"""Losses whose targets are somewhere else, on a device that only pretends to be there."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.targets_elsewhere import (
    BY_ELEMENT,
    EXPERIMENT,
    LEFT,
    LOSSES,
    MOVED,
    SINGLE,
    TOGETHER,
    example,
    loss_of,
    measure,
)


def measured(targets: str, loss: str) -> tuple[object, object]:
    found = measure(Block(0, 1, 2), Arm((("targets", targets), ("loss", loss))))
    return found["raised"], found["silent"]


def test_mean_squared_error_takes_a_single_number_across_but_no_tensor() -> None:
    assert measured(LEFT, "MSE") == (1, 0)
    assert measured(SINGLE, "MSE") == (0, 0), "the loss is on the GPU"


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_computed_where_outputs_and_targets_are_together(loss: str) -> None:
    assert measured(TOGETHER, loss) == (0, 0)
    assert measured(MOVED, loss) == (0, 1)


@pytest.mark.parametrize("loss", LOSSES)
def test_examples_suit_their_losses(loss: str) -> None:
    assert torch.isfinite(loss_of(loss, *example(loss, LEFT, "cpu")))


def test_single_numbers_are_for_losses_that_go_by_element() -> None:
    single = {arm.as_dict()["loss"] for arm in EXPERIMENT.arms() if SINGLE in str(arm)}
    assert single == set(BY_ELEMENT)
