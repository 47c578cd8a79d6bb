"""Losses whose targets are somewhere else, on a device that only pretends to be there."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Block
from studies.bugs.targets_elsewhere import (
    BY_ELEMENT,
    EXPERIMENT,
    LEFT,
    LOSSES,
    SINGLE,
    TOGETHER,
    example,
    loss_of,
    measure,
    outcomes,
    place_of_loss,
)


def test_a_loss_on_the_cpu_is_found_there() -> None:
    found = outcomes("cpu")
    for arm in EXPERIMENT.arms():
        targets, loss = (arm.as_dict()[name] for name in ("targets", "loss"))
        read = measure(Block(0, 1, 2, run=found), arm)
        assert read == {"raised": 0, "silent": 1}, (targets, loss)


def test_a_loss_that_raises_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("on two devices")

    monkeypatch.setattr("studies.bugs.targets_elsewhere.loss_of", refuse)
    assert place_of_loss("cross-entropy", LEFT, "cpu") is None


@pytest.mark.parametrize("loss", LOSSES)
def test_outputs_and_targets_are_where_the_arm_says(loss: str) -> None:
    where = {
        targets: tuple(tensor.device.type for tensor in example(loss, targets, "meta"))
        for targets in (LEFT, TOGETHER)
    }
    assert where == {LEFT: ("meta", "cpu"), TOGETHER: ("meta", "meta")}


@pytest.mark.parametrize("loss", LOSSES)
def test_examples_suit_their_losses(loss: str) -> None:
    assert torch.isfinite(loss_of(loss, *example(loss, LEFT, "cpu")))


def test_single_numbers_are_for_losses_that_go_by_element() -> None:
    single = {arm.as_dict()["loss"] for arm in EXPERIMENT.arms() if SINGLE in str(arm)}
    assert single == set(BY_ELEMENT)
